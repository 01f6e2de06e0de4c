/** Condition numbers and rank efficiency as bars: their order, their places, and thresholds that are moved on them. */

import { describe, expect, it } from "vitest";
import { ConditionNumbers } from "../../../js/src/panels/conditionNumbers/ConditionNumbers";
import { RankEfficiency } from "../../../js/src/panels/rankEfficiency/RankEfficiency";
import { PALETTES } from "../../../js/src/theme/palette";
import { drag, drawn, pointAt } from "../drawn";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { type Mounted, mount, press } from "../page";

const { levels } = PALETTES.light;
// The page is 600 × 300. Bars end 56 from the right, and begin after 8, their labels and 8 more; a label's letter is
// taken for 6 pixels where nothing can be measured, and labels have two fifths of the width at most.
const RIGHT = 544;
const leftOf = (layers: Layer[]): number =>
  16 + Math.min(240, 6 * Math.max(...layers.map(({ label, name }) => (label ?? name).length)));

const rows = (page: Mounted): number[] =>
  [...page.root.querySelectorAll<SVGElement>("g[data-row]")].map((row) => Number(row.dataset.row));
const counts = (page: Mounted): number[] => page.texts(".wsw-class b").map(Number);
const handle = (page: Mounted, index: number): SVGElement =>
  page.find(`.wsw-threshold[data-index="${index}"] .wsw-threshold-handle`);

const INFINITE: Layer = { name: "singular", values: { "spectral.condition_number": Number.POSITIVE_INFINITY } };
const CONDITIONED = [...LAYERS, INFINITE];
// κ: 6,273, 103,110, 44.4, 129,499, three without, and one that is infinite.
const [LEAST, MOST] = [44.39096450805664 / 1.15, 129498.6328125 * 1.15]; // a logarithmic axis with a little room

describe("condition numbers", () => {
  const open = () => mount(ConditionNumbers, new Kernel(CONDITIONED));
  const left = leftOf(CONDITIONED);
  const across = (value: number): number => left + ((RIGHT - left) * Math.log(value / LEAST)) / Math.log(MOST / LEAST);

  it("stand one below the other, the worst first, with their numbers", async () => {
    const page = await open();
    expect(rows(page)).toEqual([7, 3, 1, 0, 2]);
    expect(page.texts(".wsw-bar-value")).toEqual(["∞", "129,500", "103,100", "6,273", "44.39"]);
    expect(page.texts("g[data-row] text:first-child").slice(0, 3)).toEqual([
      ...["singular", "h9.attn.c_proj", "h0.attn.c_proj"],
    ]);
  });

  it("are as long as they are large, in the colours of their classes, infinite ones to the end of the axis", async () => {
    const bars = drawn(await open());
    expect(bars.map(({ colour }) => colour)).toEqual([
      ...[levels.red, levels.red, levels.red, levels.yellow, levels.green],
    ]);
    const values = [MOST, 129498.6328125, 103109.8046875, 6273.0859375, 44.39096450805664];
    for (const [index, value] of values.entries()) {
      const { place, size } = bars[index] as (typeof bars)[0];
      expect(place[0]).toBe(left);
      expect(place[0] + size[0]).toBeCloseTo(across(value), 1);
      expect(place[1]).toBeCloseTo(4 + 18 * index + 3.5, 6);
    }
  });

  it("that do not exist are not drawn, but counted", async () => {
    expect((await open()).texts(".wsw-note")).toEqual(["3 layers without a value not drawn"]);
    const whole = await mount(ConditionNumbers, new Kernel(LAYERS.slice(0, 4)));
    expect(whole.texts(".wsw-note")).toEqual([]);
  });

  it("are counted by class, of what filters leave", async () => {
    const page = await open();
    expect(counts(page)).toEqual([1, 1, 0, 3]);
    await page.after(() => page.store.search("attn"));
    expect([counts(page), rows(page)]).toEqual([
      [0, 0, 0, 2],
      [3, 1],
    ]);
    await page.after(() => page.store.search("nothing like it"));
    expect(page.texts(".wsw-empty")).toEqual(["No filtered layer has this metric."]);
  });

  it("narrow to a class at a click on it", async () => {
    const page = await open();
    await page.after(() => (page.root.querySelectorAll(".wsw-class")[3] as HTMLElement).click());
    expect(rows(page)).toEqual([7, 3, 1]);
  });

  it("say when the scan left them out", async () => {
    const kernel = new Kernel(
      LAYERS.map(({ name }) => ({ name })),
      { state: "done" },
      ["sparsity"],
    );
    const page = await mount(ConditionNumbers, kernel);
    expect([page.texts(".wsw-empty"), page.texts(".wsw-note")]).toEqual([["Not computed by this scan."], []]);
  });

  it("are chosen where their bars are", async () => {
    const page = await open();
    const surface = page.find(".wsw-surface");
    await pointAt(page, surface, "click", [300, 4 + 2 * 18 + 1]);
    expect([page.store.selected.value, page.texts(".wsw-bar-chosen .wsw-bar-value")]).toEqual([1, ["103,100"]]);
    await pointAt(page, surface, "click", [300, 4 + 6 * 18]); // below the last
    expect(page.store.selected.value).toBe(1);
  });

  describe("at a threshold", () => {
    it("follow its keys", async () => {
      const page = await open();
      await page.after(() => press(handle(page, 2), "ArrowRight")); // a tenth of a decade: 100,000 · 1.2589
      expect(page.store.thresholds.value.condition_number).toEqual([1000, 10_000, 126_000]);
      expect(counts(page)).toEqual([1, 1, 1, 2]); // 103,110 no longer
      expect(drawn(page)[2]?.colour).toBe(levels.orange);
      await page.after(() => press(handle(page, 2), "Home"));
      expect(counts(page)).toEqual([1, 1, 0, 3]);
    });

    it("follow the pointer that drags it, as far as its neighbours", async () => {
      const page = await open();
      SVGElement.prototype.setPointerCapture ??= () => undefined;
      const line = handle(page, 2);
      await drag(page, line, [
        [across(1e5), 100],
        [across(1.1e5), 100],
      ]);
      expect(page.store.thresholds.value.condition_number).toEqual([1000, 10_000, 110_000]);
      expect(counts(page)).toEqual([1, 1, 1, 2]);
      await pointAt(page, line, "pointermove", [across(2000), 100], { buttons: 1 }); // let go of: nothing moves
      expect(page.store.thresholds.value.condition_number[2]).toBe(110_000);
      await drag(page, handle(page, 2), [
        [across(1.1e5), 100],
        [across(200), 100],
      ]);
      expect(page.store.thresholds.value.condition_number).toEqual([1000, 10_000, 10_000]);
      await page.after(() => handle(page, 2).dispatchEvent(new MouseEvent("dblclick", { bubbles: true })));
      expect(page.store.thresholds.value.condition_number).toEqual([1000, 10_000, 100_000]);
    });

    it("say what it is", async () => {
      const slider = handle(await open(), 1);
      const said = ["role", "aria-valuenow", "aria-valuemin", "aria-valuemax", "aria-valuetext"];
      expect(said.map((name) => slider.getAttribute(name))).toEqual(["slider", "10000", "1000", "100000", "10,000"]);
    });
  });

  it("show what chance would give only when asked", async () => {
    const layers = [{ ...(LAYERS[1] as Layer), values: { ...LAYERS[1]?.values, "baseline.condition_number": 3571 } }];
    const page = await mount(ConditionNumbers, new Kernel(layers));
    expect(drawn(page)).toHaveLength(1);
    await page.after(() => page.store.setView({ random: true }));
    expect(drawn(page)).toHaveLength(2);
  });
});

// Shares of the rank at each level of the document and beside it: 100 · these over 100.
const SHARES = [70, 5, 29.9, 10, Number.NaN, 50, 100, 30, 9.99];
const RANKED: Layer[] = SHARES.map((share, row) => ({
  name: `layer ${row}`,
  values: { "spectral.stable_rank": share, "spectral.total_rank": 100 },
}));

describe("rank efficiency", () => {
  const open = () => mount(RankEfficiency, new Kernel(RANKED));

  it("is in bars, the lowest first", async () => {
    const page = await open();
    expect(rows(page)).toEqual([1, 8, 3, 2, 7, 5, 0, 6]);
    expect(page.texts(".wsw-bar-value")).toEqual([
      ...["5.00 %", "9.99 %", "10.0 %", "29.9 %", "30.0 %", "50.0 %", "70.0 %", "100.0 %"],
    ]);
    const left = leftOf(RANKED);
    const bars = drawn(page, ".wsw-bars-scroller");
    const ends = bars.map(({ place, size }) => (100 * (place[0] + size[0] - left)) / (RIGHT - left));
    expect(ends).toEqual([5, 9.99, 10, 29.9, 30, 50, 70, 100].map((share) => expect.closeTo(share, 1)));
  });

  it("is counted by what could be saved", async () => {
    const page = await open();
    // Below 10; to 30; to 50; to 70; from 70 on.
    expect(page.texts(".wsw-donut-legend li")).toEqual([
      "very high potential 2",
      "high potential 2",
      "medium potential 1",
      "low potential 1",
      "already efficient 2",
    ]);
    expect([page.texts(".wsw-donut-total"), page.root.querySelectorAll(".wsw-slice").length]).toEqual([["8"], 5]);
  });

  it("narrows to a part at a click on it, and widens at another", async () => {
    const page = await open();
    const part = () => page.root.querySelectorAll<HTMLElement>(".wsw-donut-legend button")[4];
    await page.after(() => part()?.click());
    expect([page.store.matching.value, part()?.getAttribute("aria-pressed")]).toEqual([[0, 6], "true"]);
    const slice = page.find(".wsw-slice"); // the only one left
    await page.after(() => slice.dispatchEvent(new MouseEvent("click", { bubbles: true })));
    expect(page.store.narrowed.value).toBe(false);
  });

  it("has its layers where total and stable rank meet, to be chosen there", async () => {
    const page = await open();
    // Across from 25, a quarter of 140 over 1.4, to 140, and upwards from 0.8 to 140: 1.4 times the largest, in logarithms.
    const x = 38 + (550 * Math.log(100 / 25)) / Math.log(140 / 25);
    const y = (stable: number): number => 264 - (244 * Math.log(stable / 0.8)) / Math.log(140 / 0.8);
    for (const row of [1, 3, 6]) {
      await pointAt(page, page.find(".wsw-ranks .wsw-surface"), "click", [x + 3, y(SHARES[row] as number) - 1]);
      expect(page.store.selected.value).toBe(row);
      const ring = page.find(".wsw-ranks circle");
      expect(Number(ring.getAttribute("cx"))).toBeCloseTo(x, 6);
      expect(Number(ring.getAttribute("cy"))).toBeCloseTo(y(SHARES[row] as number), 6);
    }
    await pointAt(page, page.find(".wsw-ranks .wsw-surface"), "click", [x, y(1)]); // nobody there
    expect(page.store.selected.value).toBe(6);
  });

  it("moves its parts with a threshold", async () => {
    const page = await open();
    await page.after(() => press(handle(page, 0), "ArrowLeft")); // 10 to 9
    expect(counts(page)).toEqual([1, 3, 1, 1, 2]);
  });
});
