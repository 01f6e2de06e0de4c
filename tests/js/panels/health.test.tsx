/** Health: five histograms that are brushed, the grades, and the layers most at risk; also of the real GPT-2. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Health } from "../../../js/src/panels/health/Health";
import { drag, pointAt } from "../drawn";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { type Mounted, mount } from "../page";

// The page is 600 × 300: a histogram reaches from 38 to 590, and from 20 down to 266.
const [LEFT, RIGHT, TOP, BOTTOM] = [38, 590, 20, 266];
const INFINITE = Number.POSITIVE_INFINITY;

const part = (page: Mounted, metric: string): Element => page.find(`.wsw-metric-histogram[data-metric="${metric}"]`);
const surface = (page: Mounted, metric: string): Element => part(page, metric).querySelector(".wsw-surface") as Element;

/** The counts of the bins, read off their heights and the number at the top of the axis. */
function binsOf(page: Mounted, metric: string, kind: "all" | "kept" = "all"): number[] {
  const top = Number(
    part(page, metric).querySelector(`.wsw-axes g[transform="translate(0,${TOP})"] text`)?.textContent,
  );
  return [...part(page, metric).querySelectorAll(`.wsw-bin-${kind}`)].map(
    (bar) => (top * Number(bar.getAttribute("height"))) / (BOTTOM - TOP),
  );
}
const total = (...metric: Parameters<typeof binsOf>): number =>
  binsOf(...metric).reduce((sum, count) => sum + count, 0);
const grades = (page: Mounted): string[] => page.texts(".wsw-donut-legend li");
const risky = (page: Mounted): string[] => page.texts(".wsw-risk-label");

/** Layers of which a tenth, two tenths, … of the weights are near zero; the last is not known. */
const NEAR_ZERO = [10, 20, 30, 40, 100, Number.NaN];
const SPARSE: Layer[] = NEAR_ZERO.map((share, row) => ({
  name: `layer ${row}`,
  values: { "sparsity.threshold_1e-2": share, "spectral.condition_number": row === 0 ? INFINITE : 10 ** row },
}));
const across = (share: number): number => LEFT + ((RIGHT - LEFT) * share) / 100; // from 0 to the most

describe("a histogram", () => {
  const open = () => mount(Health, new Kernel(SPARSE));
  const METRIC = "near_zero_percentage";

  it("counts every layer that has a value, once", async () => {
    const page = await mount(Health);
    const known = {
      condition_number: 4,
      extreme_outlier_percentage: 5,
      stable_rank_percentage: 4,
      sqnr_db: 5,
      near_zero_percentage: 0, // not in this scan
    };
    for (const [metric, layers] of Object.entries(known)) expect(total(page, metric)).toBeCloseTo(layers, 6);
  });

  it("counts what filters leave apart from all", async () => {
    const page = await mount(Health);
    await page.after(() => page.store.search("c_proj"));
    expect(total(page, "condition_number")).toBeCloseTo(4, 6);
    expect(total(page, "condition_number", "kept")).toBeCloseTo(2, 6);
  });

  it("has a place for infinite values, in the last of its bins", async () => {
    const page = await open();
    expect(total(page, "condition_number")).toBeCloseTo(6, 6);
    const last = [...part(page, "condition_number").querySelectorAll(".wsw-bin-all")].at(-1);
    expect(Number(last?.getAttribute("x")) + Number(last?.getAttribute("width"))).toBeCloseTo(RIGHT - 0.5, 6);
  });

  it("narrows to what is brushed, either way", async () => {
    const page = await open();
    await drag(page, surface(page, METRIC), [
      [across(15), 100],
      [across(35), 50],
    ]);
    expect(page.store.matching.value).toEqual([1, 2]);
    expect(page.store.filters.value.get(`range:${METRIC}`)).toEqual({
      by: "range",
      metric: METRIC,
      low: expect.closeTo(15, 9),
      high: expect.closeTo(35, 9),
    });
    await drag(page, surface(page, METRIC), [
      [across(45), 100],
      [across(25), 50],
    ]);
    expect(page.store.matching.value).toEqual([2, 3]); // in place of the first
    const brush = part(page, METRIC).querySelector(".wsw-brush");
    expect(Number(brush?.getAttribute("x"))).toBeCloseTo(across(25), 6);
    expect(Number(brush?.getAttribute("width"))).toBeCloseTo(across(45) - across(25), 6);
  });

  it("narrows while it is brushed", async () => {
    const page = await open();
    const places: [number, number][] = [
      [across(5), 100],
      [across(25), 100],
    ];
    await drag(page, surface(page, METRIC), places, { hold: true });
    expect(page.store.matching.value).toEqual([0, 1]);
    await pointAt(page, surface(page, METRIC), "pointermove", [across(35), 100], { buttons: 1 });
    expect(page.store.matching.value).toEqual([0, 1, 2]);
  });

  it("brushed to an end narrows to all beyond it, infinite values among them", async () => {
    const page = await open();
    await drag(page, surface(page, "condition_number"), [
      [LEFT + 0.9 * (RIGHT - LEFT), 100],
      [RIGHT + 5, 100],
    ]);
    expect(page.store.matching.value).toContain(0);
    expect(page.store.filters.value.get("range:condition_number")).toMatchObject({ high: INFINITE });
    await page.after(() => page.store.reset());
    await drag(page, surface(page, METRIC), [
      [across(35), 100],
      [LEFT - 20, 100],
    ]);
    expect(page.store.matching.value).toEqual([0, 1, 2]);
    expect(page.store.filters.value.get(`range:${METRIC}`)).toMatchObject({ low: -INFINITE });
  });

  it("is widened by a click", async () => {
    const page = await open();
    await page.after(() => page.store.narrow({ by: "range", metric: METRIC, low: 15, high: 35 }));
    await drag(page, surface(page, METRIC), [[across(80), 100]]);
    await pointAt(page, surface(page, METRIC), "click", [across(80), 100]);
    expect(page.store.narrowed.value).toBe(false);
  });

  it("reads out the bin under the pointer", async () => {
    const page = await open();
    // 552 pixels in bins of 9 are 61 bins: that of 10 per cent is the seventh, from 6/61 to 7/61.
    await pointAt(page, surface(page, METRIC), "pointermove", [across(10), 100]);
    expect(page.texts(".wsw-readout")).toEqual(["9.84 % to 11.5 %: 1"]);
    await pointAt(page, surface(page, METRIC), "pointerleave", [0, 0]);
    expect(page.texts(".wsw-readout")).toEqual([]);
  });
});

describe("the grades", () => {
  it("are counted, and narrow at a click", async () => {
    const page = await mount(Health);
    expect(grades(page)).toEqual(["Excellent 1", "Good 2", "Warning 0", "Critical 2"]);
    const critical = () => page.root.querySelectorAll<HTMLElement>(".wsw-donut-legend button")[3];
    await page.after(() => critical()?.click());
    expect(page.store.matching.value).toEqual([1, 5]);
    expect([grades(page), critical()?.getAttribute("aria-pressed")]).toEqual([
      ["Excellent 0", "Good 0", "Warning 0", "Critical 2"],
      "true",
    ]);
    await page.after(() => critical()?.click());
    expect(page.store.narrowed.value).toBe(false);
  });

  it("follow thresholds that move, which is said", async () => {
    const page = await mount(Health);
    const before = page.texts(".wsw-health > .wsw-note");
    await page.after(() => page.store.moveThreshold("condition_number", 2, 200_000));
    // Of 103,110 and 129,499 both cost 20 instead of 40 now: 100 − 20 − 30 and 100 − 20.
    expect(grades(page)).toEqual(["Excellent 2", "Good 1", "Warning 1", "Critical 1"]);
    expect(page.texts(".wsw-health > .wsw-note")).not.toEqual(before);
  });
});

describe("the layers most at risk", () => {
  it("come the worst first, with what they risk", async () => {
    const page = await mount(Health);
    // Not finite; 50 + 3 · 12.858; 50 + 3 · 0.092; 3 · 12.810; 3 · 0.150.
    expect(risky(page)).toEqual(["not.finite", "h0.attn.c_proj", "h9.attn.c_proj", "wpe", "h0.mlp.c_fc"]);
    expect(page.texts(".wsw-risk-row b")).toEqual(["∞", "88.6", "50.3", "38.4", "0.5"]);
  });

  it("are ten at most, ties in the model's order, of what filters leave", async () => {
    const layers = Array.from({ length: 25 }, (_, row): Layer => {
      const values = { "spectral.condition_number": 1, "quantization.extreme_outlier_percentage": row % 5 };
      return { name: `layer ${row}`, values };
    });
    const page = await mount(Health, new Kernel(layers));
    const wanted = [4, 9, 14, 19, 24, 3, 8, 13, 18, 23];
    expect(risky(page)).toEqual(wanted.map((row) => `layer ${row}`));
    const some = new Set([0, 1, 4, 8, 9, 10, 11, 12, 13, 14, 20, 21]);
    await page.after(() => page.store.narrow({ by: "rows", from: "region", rows: some }));
    expect(risky(page)).toEqual([4, 9, 14, 8, 13, 12, 1, 11, 21, 0].map((row) => `layer ${row}`));
  });

  it("are selected, and put beside each other, at a click", async () => {
    const page = await mount(Health);
    const row = (index: number) => page.root.querySelectorAll<HTMLElement>(".wsw-risk-row")[index] as HTMLElement;
    await page.after(() => row(1).click());
    await page.after(() => row(3).dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true })));
    expect(page.store.compared.value).toEqual([1, 0]);
    expect([1, 2, 3].map((index) => row(index).getAttribute("aria-pressed"))).toEqual(["true", "false", "true"]);
  });

  it("may be none", async () => {
    const page = await mount(Health, new Kernel(LAYERS.slice(6)));
    expect(page.texts(".wsw-top-risks p")).toEqual(["No filtered layer has this metric."]);
  });
});

/** The reference results of all 51 layers of GPT-2, where the project has them. */
const REFERENCE = "../shared/data/gpt2_reference_results.json";

interface Reference {
  spectral: Record<string, number>;
  quantization: Record<string, number>;
  sparsity: { sparsity_levels: Record<string, number> };
}

describe.skipIf(!existsSync(REFERENCE))("the real GPT-2", () => {
  const results = (): [string, Reference][] => Object.entries(JSON.parse(readFileSync(REFERENCE, "utf8")));
  const open = () => {
    const layers = results().map(([name, { spectral, quantization, sparsity }]): Layer => {
      const values: Record<string, number> = {
        "sparsity.threshold_1e-2": sparsity.sparsity_levels["threshold_0.01"] ?? 0,
      };
      for (const metric of ["condition_number", "stable_rank", "total_rank"])
        values[`spectral.${metric}`] = spectral[metric] as number;
      for (const metric of ["sqnr_db", "extreme_outlier_percentage"])
        values[`quantization.${metric}`] = quantization[metric] as number;
      return { name, values };
    });
    return mount(Health, new Kernel(layers, { state: "done" }));
  };

  it("has 48 excellent layers, two good ones and a critical one", async () => {
    expect(grades(await open())).toEqual(["Excellent 48", "Good 2", "Warning 0", "Critical 1"]);
  });

  it("has all 51 layers in each of its histograms", async () => {
    const page = await open();
    const metrics = page.texts(".wsw-metric-histogram").map((_, index) => {
      const found = page.root.querySelectorAll<HTMLElement>(".wsw-metric-histogram")[index];
      return found?.dataset.metric as string;
    });
    expect(metrics).toHaveLength(5);
    for (const metric of metrics) expect(total(page, metric)).toBeCloseTo(51, 6);
  });

  it("has its riskiest layers in the order of the document's sum", async () => {
    const risks = results().map(([name, { spectral, quantization }]): [string, number] => {
      const condition = spectral.condition_number as number;
      const conditioning = condition > 100_000 ? 50 : condition > 10_000 ? 25 : 0;
      return [name, conditioning + 3 * (quantization.extreme_outlier_percentage as number)];
    });
    const wanted = risks.sort(([, a], [, b]) => b - a).slice(0, 10);
    const page = await open();
    expect(risky(page)).toEqual(wanted.map(([name]) => name));
    expect(page.texts(".wsw-risk-row b")).toEqual(wanted.map(([, risk]) => risk.toFixed(1)));
    expect(risky(page)[0]).toBe("transformer.h.0.attn.c_proj");
  });

  it("is brushed to the layers within", async () => {
    const page = await open();
    const shares = results().map(([, { sparsity }]) => sparsity.sparsity_levels["threshold_0.01"] as number);
    const most = Math.max(...shares);
    await drag(page, surface(page, "near_zero_percentage"), [
      [LEFT + 0.25 * (RIGHT - LEFT), 100],
      [LEFT + 0.5 * (RIGHT - LEFT), 100],
    ]);
    const within = shares.flatMap((share, row) => (share >= 0.25 * most && share <= 0.5 * most ? [row] : []));
    expect(within.length).toBeGreaterThan(0);
    expect(within.length).toBeLessThan(51);
    expect(page.store.matching.value).toEqual(within);
    expect(total(page, "sqnr_db", "kept")).toBeCloseTo(within.length, 6);
  });
});
