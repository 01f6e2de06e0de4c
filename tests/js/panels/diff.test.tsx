/** The panels of a fine-tune: what each draws, says and does, on layers that changed in every way. */

import { describe, expect, it } from "vitest";
import { tableCsv } from "../../../js/src/export/csv";
import { DIFF } from "../../../js/src/page/diffBoard";
import { BeforeAfter } from "../../../js/src/panels/diff/BeforeAfter";
import { ChangeScatter } from "../../../js/src/panels/diff/ChangeScatter";
import { crossingsOf, worsened } from "../../../js/src/panels/diff/change";
import { DeltaDistribution } from "../../../js/src/panels/diff/DeltaDistribution";
import { DeltaSpectrum } from "../../../js/src/panels/diff/DeltaSpectrum";
import { Overlap } from "../../../js/src/panels/diff/Overlap";
import { Pattern } from "../../../js/src/panels/diff/Pattern";
import { Worse } from "../../../js/src/panels/diff/Worse";
import { LayerTable } from "../../../js/src/panels/table/LayerTable";
import type { Board } from "../../../js/src/state/context";
import { explanationOf } from "../../../js/src/text/explain";
import { language } from "../../../js/src/text/messages";
import { Kernel, type Layer } from "../kernel";
import { mount } from "../page";

const STATUSES = ["identical", "changed", "reshaped", "only_in_base", "only_in_tuned"];
const side = (condition: number, sqnr: number, outliers: number, prefix = "") => ({
  [`${prefix}spectral.condition_number`]: condition,
  [`${prefix}quantization.sqnr_db`]: sqnr,
  [`${prefix}quantization.extreme_outlier_percentage`]: outliers,
});
const drawn = (spectrum: number[]) => ({ histogram: { low: -1, high: 1, counts: [1, 8, 1] }, spectrum });

const LAYERS: Layer[] = [
  {
    name: "h.0.attn.c_proj",
    label: "h0.attn.c_proj",
    family: "attention",
    ...drawn([4, 2, 1]),
    base: drawn([3, 2, 1]),
    delta: drawn([1, 0.1, 0]),
    overlap: { size: 3, cells: [1, 0, 0, 0, 0.2, 0.9, 0, 0.4, 0.1] },
    nearest: [1, 0.3, 0.9],
    values: {
      ...side(2e5, 35, 0.05),
      ...side(500, 41, 0.05, "base."),
      "comparison.status": 1,
      "comparison.relative_change": 0.25,
      "comparison.delta_rank_99": 1,
      "comparison.delta_numerical_rank": 1,
      "comparison.delta_total_rank": 3,
      "comparison.subspace_overlap": 0.75,
      "comparison.subspace_overlap_chance": 0.5,
      "comparison.intruder_dimensions": 1,
    },
  },
  {
    name: "h.1.mlp.c_fc",
    label: "h1.mlp.c_fc",
    family: "mlp",
    ...drawn([4, 2, 1]),
    base: drawn([3, 2, 1]),
    delta: drawn([1, 1, 1]),
    values: {
      ...side(500, 41, 0.05),
      ...side(2e4, 41, 0.05, "base."),
      "comparison.status": 1,
      "comparison.relative_change": 0.01,
      "comparison.delta_rank_99": 3,
      "comparison.delta_total_rank": 3,
    },
  },
  { name: "still", values: { "comparison.status": 0, "comparison.relative_change": 0 } },
  { name: "gone", values: { "comparison.status": 3 } },
  { name: "broken", stage: 3, error: "The comparison of 'broken' failed.", values: {} },
  { name: "<img src=x onerror=alert(1)>", stage: 0, values: {} },
  {
    name: "a.diverged",
    values: {
      ...side(Number.NaN, 41, 0.05),
      ...side(500, 41, 0.05, "base."),
      "basic_stats.nan_count": 2,
      "comparison.status": 1,
      "comparison.relative_change": 0.02,
      "comparison.delta_total_rank": 3,
    },
  },
  {
    name: "apart",
    values: { ...side(500, 41, 0.05), ...side(500, 35, 0.05, "base."), "comparison.status": 2 },
  },
  {
    name: "from.zeros",
    stage: 3,
    error: "The analysis of 'from.zeros' failed.",
    values: {
      "comparison.status": 1,
      "comparison.relative_change": Number.POSITIVE_INFINITY,
      "comparison.delta_rank_99": 2,
      "comparison.delta_total_rank": 3,
    },
  },
];

const board: Board = DIFF;

const kernel = (): Kernel => {
  const made = new Kernel(LAYERS, { state: "done", done: 6, total: 6 });
  made.change("_catalog", { ...made.get("_catalog"), statuses: STATUSES });
  made.change("_table", {
    ...made.get("_table"),
    pattern: { en: "A low-rank change: 2 of 5 tensors changed.", zh: "低秩变化：5 个张量中有 2 个改变。" },
  });
  return made;
};

const show = (Part: Parameters<typeof mount>[0]) => mount(Part, kernel(), board);

describe("what got worse", () => {
  it("is what crossed into a riskier class, and not what got better", async () => {
    const page = await show(Worse);
    expect(crossingsOf(page.store, 0).map(({ metric, from, to }) => [metric, from, to])).toEqual([
      ["condition_number", 0, 3],
      ["sqnr_db", 0, 1],
      ["health", 0, 1], // 100 − 40 is still good
    ]);
    expect(crossingsOf(page.store, 1).map(({ metric, from, to }) => [metric, from, to])).toEqual([
      ["condition_number", 2, 0],
    ]);
    // As Python sorts them: the farthest fallen first, then by the layer's name and the metric's.
    expect(worsened(page.store).map(({ row, metric }) => [row, metric])).toEqual([
      [6, "health"],
      [0, "condition_number"],
      [0, "health"],
      [0, "sqnr_db"],
    ]);
    expect(page.texts(".wsw-worse-list b")).toEqual(["a.diverged", ...Array(3).fill("h0.attn.c_proj")]);
    await page.after(() => page.find("li:nth-child(2) button").click());
    expect(page.store.selected.value).toBe(0);
  });

  it("is also what became NaN, which has no class left but a grade", async () => {
    const page = await show(Worse);
    expect(crossingsOf(page.store, 6).map(({ metric, from, to }) => [metric, from, to])).toEqual([["health", 0, 3]]);
    expect(page.texts(".wsw-worse-list span")[0]).toBe("Grade:  Excellent →  Critical");
    expect([...page.find("li").querySelectorAll<HTMLElement>("i")].map(({ dataset }) => dataset.level)).toEqual([
      ...["green", "red"],
    ]);
  });

  it("follows thresholds that move", async () => {
    const page = await show(Worse);
    await page.after(() => page.store.moveThreshold("condition_number", 2, 1e6));
    // 2e5 is beneath the highest level now, for the class and for the grade: 100 − 20 is excellent.
    expect(worsened(page.store).map(({ row, metric, to }) => [row, metric, to])).toEqual([
      ...[
        [6, "health", 3],
        [0, "condition_number", 2],
        [0, "sqnr_db", 1],
      ],
    ]);
  });
});

describe("the selected layer", () => {
  it.each([
    [DeltaDistribution, ".wsw-histogram path.wsw-series", 6],
    [DeltaSpectrum, ".wsw-spectrum path[data-row]", 3],
    [DeltaSpectrum, ".wsw-cumulative path[data-row]", 3],
    [Overlap, ".wsw-overlap-cells rect", 9],
  ])("is drawn: %o", async (Part, selector, count) => {
    const page = await show(Part);
    await page.after(() => page.store.select(0));
    expect(page.root.querySelectorAll(selector)).toHaveLength(count);
  });

  it("has a rank at the energy line, of the change", async () => {
    const page = await show(DeltaSpectrum);
    await page.after(() => page.store.select(0));
    // 1 of 1.01 is in the first direction.
    expect(page.find(".wsw-truncation").dataset.rank).toBe("1");
    await page.after(() => page.store.setView({ energy: 0.995 }));
    expect(page.find(".wsw-truncation").dataset.rank).toBe("2");
    // The same line in both charts; the end of the cumulative one is at 100 %.
    const lines = [...page.root.querySelectorAll("[role=slider]")];
    expect(lines.map((line) => line.getAttribute("aria-valuenow"))).toEqual(["2", "2"]);
    expect(page.find(".wsw-cumulative path[data-row='0']").getAttribute("d")).toMatch(/L[\d.]+,20.00$/);
  });

  it("lies beside others that are compared, each by its change", async () => {
    const page = await show(DeltaSpectrum);
    await page.after(() => page.store.select(0));
    await page.after(() => page.store.compare(1));
    expect(page.texts(".wsw-compared span")).toEqual(["h0.attn.c_proj", "h1.mlp.c_fc"]);
    const lines = [...page.root.querySelectorAll<SVGElement>(".wsw-cumulative path[data-row]")];
    expect(lines.map(({ dataset }) => dataset.row)).toEqual(["0", "1"]);
    // The rank is the selected one's, which is the one chosen last.
    expect(page.store.selected.value).toBe(1);
    expect(page.root.querySelectorAll(".wsw-cumulative path.wsw-line[data-row='1']")).toHaveLength(1);
  });

  it("has its intruders marked, and chance beside the overlap", async () => {
    const page = await show(Overlap);
    await page.after(() => page.store.select(0));
    expect(page.root.querySelectorAll(".wsw-intruder")).toHaveLength(1);
    expect(page.texts(".wsw-note")[0]).toContain("0.7500; random matrices give 0.5000");
  });

  it("has every metric before and after, and what it crossed", async () => {
    const page = await show(BeforeAfter);
    await page.after(() => page.store.select(0));
    const line = page.find("tr[data-metric=condition_number]");
    expect([...line.querySelectorAll("td")].map(({ textContent }) => textContent)).toEqual(["500.0", "200,000"]);
    expect(line.dataset.crossed).toBe("true");
    expect(page.find("tr[data-metric=extreme_outlier_percentage]").dataset.crossed).toBeUndefined();
    expect(page.find("[data-metric=relative_change] dd").textContent).toBe("0.2500");
  });

  it("has its grade before and after", async () => {
    const page = await show(BeforeAfter);
    await page.after(() => page.store.select(6));
    const line = page.find("tr[data-metric=health]");
    expect(page.texts("tr[data-metric=health] :is(th, td)")).toEqual(["Grade", "Excellent", "Critical"]);
    expect(line.dataset.crossed).toBe("true");
    await page.after(() => page.store.select(7));
    expect(page.texts("tr[data-metric=health] td")).toEqual(["Excellent", "Excellent"]);
    expect(page.find("tr[data-metric=health]").dataset.crossed).toBeUndefined();
  });

  it("of another shape altogether is compared by what each side has", async () => {
    const page = await show(BeforeAfter);
    await page.after(() => page.store.select(7));
    expect(page.texts("tr[data-metric=sqnr_db] td")).toEqual(["35.0 dB", "41.0 dB"]);
    expect(page.texts(".wsw-note")).toEqual(["The two shapes have no rows in common, so the change has no numbers."]);
    expect(page.root.querySelectorAll(".wsw-empty")).toHaveLength(0);
  });

  it("that failed on the way shows why beside what was computed", async () => {
    const page = await show(BeforeAfter);
    await page.after(() => page.store.select(8));
    expect(page.texts("[role=alert]")).toEqual(["The analysis of 'from.zeros' failed."]);
    expect(page.find("[data-metric=delta_rank_99] dd").textContent).toBe("2");
  });

  it.each([
    [2, "This layer is identical in both models."],
    [3, "This layer is in the base only."],
    [4, "The comparison of 'broken' failed."],
    [5, "Not computed by this scan."],
    [6, "Not available for this layer: it is a vector, or its weights are not finite."],
    [7, "The two shapes have no rows in common, so the change has no numbers."],
  ])("says why row %i has no change", async (row, words) => {
    const page = await show(DeltaSpectrum);
    await page.after(() => page.store.select(row));
    expect(page.texts(".wsw-empty")).toEqual([words]);
    expect(page.root.querySelectorAll(".wsw-spectrum")).toHaveLength(0);
  });

  it("is still to come while the comparison runs", async () => {
    const page = await show(DeltaSpectrum);
    await page.after(() => page.kernel.report(LAYERS, { state: "running" }));
    await page.after(() => page.store.select(5));
    expect(page.texts(".wsw-empty")).toEqual(["This layer is next…"]);
  });
});

describe("all layers", () => {
  it("lie where their change puts them, and a click selects", async () => {
    const page = await show(ChangeScatter);
    expect(page.find(".wsw-surface").getAttribute("aria-label")).toContain("2 changed matrices");
    // One has no finite rank, and one has a base of zeros.
    expect(page.texts(".wsw-note")).toEqual(["2 layers without a value not drawn"]);
    expect(page.root.querySelectorAll(".wsw-empty")).toHaveLength(0);
  });

  it("are in the table with what became of them", async () => {
    const page = await show(LayerTable);
    expect(page.texts("[role=columnheader] button").map((words) => words.replace(/[↑↓]/, ""))).toEqual([
      ...["Layer", "Status", "Change", "Rank of ΔW", "Numerical rank", "Overlap", "Intruders", "κ", "Grade"],
    ]);
    const cells = page.texts("[data-row='0'] [role=gridcell]");
    expect(cells.slice(0, 7)).toEqual(["h0.attn.c_proj", "changed", "0.2500", "1", "1", "0.7500", "1"]);
    expect(page.texts("[data-row='5'] [role=gridcell]")[0]).toBe("<img src=x onerror=alert(1)>");
    expect(page.root.querySelector("img")).toBeNull();
    await page.after(() => page.store.sortBy("comparison.relative_change"));
    // ∞, 0.25, 0.02, 0.01, 0; then those without, in the model's order.
    expect(page.store.order.value).toEqual([8, 0, 6, 1, 2, 3, 4, 5, 7]);
    await page.after(() => page.store.sortBy("comparison.relative_change"));
    expect(page.store.order.value).toEqual([2, 1, 6, 0, 8, 3, 4, 5, 7]);
  });

  it("are exported with what became of them in words", async () => {
    const page = await show(LayerTable);
    const [head, first] = tableCsv(page.store).split("\r\n");
    const at = head?.split(",").indexOf("comparison.status") ?? -1;
    expect(first?.split(",")[at]).toBe("changed");
  });

  it("have a pattern in words", async () => {
    const page = await show(Pattern);
    expect(page.texts(".wsw-pattern")[0]).toMatch(/^A low-rank change: 2 of 5 tensors changed\. A rule of thumb\.$/);
  });
});

describe("the pattern", () => {
  it("is in the language of the page, and not told of a part of the models", async () => {
    const pattern = async (found: object | null, state: string, spoken: "en" | "zh" = "en") => {
      const made = new Kernel([{ name: "a", values: {} }], { state: state as "done", done: 1, total: 2 });
      made.change("_table", { ...made.get("_table"), pattern: found });
      made.set("language", spoken);
      return (await mount(Pattern, made, board)).texts(".wsw-pattern")[0];
    };
    expect(await pattern(null, "running")).toContain("once every tensor is compared");
    for (const state of ["cancelled", "failed", "done"])
      expect(await pattern(null, state)).toContain("unknown: not every tensor was compared");
    const found = { en: "Targeted: a.", zh: "局部变化：甲。" };
    expect(await pattern(found, "done", "zh")).toBe("局部变化：甲。 此为经验判断。");
    expect(await pattern(found, "done")).toBe("Targeted: a. A rule of thumb.");
  });
});

describe("texts", () => {
  it("explain every panel and every metric of a change", () => {
    for (const each of ["en", "zh"] as const) {
      language.value = each;
      const named = [
        ...DIFF.panels.map(({ id }) => id),
        "relative_change",
        "delta_rank_99",
        "intruder_dimensions",
        "l2_distance",
        "subspace_overlap_chance",
      ];
      expect(named.filter((name) => explanationOf(name) === null)).toEqual([]);
    }
    language.value = "en";
  });
});
