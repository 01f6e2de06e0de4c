/** The distribution and the spectrum of unusual layers: constant, one value, all zero, of the widest range. */

import { describe, expect, it } from "vitest";
import { Distribution } from "../../../js/src/panels/distribution/Distribution";
import { SingularValues } from "../../../js/src/panels/spectrum/SingularValues";
import { Kernel, type Layer } from "../kernel";
import { type Mounted, mount } from "../page";

// Each plot is 600 × 300 here, with 42 left, 12 right, 20 above and 36 below what is drawn.
const [LEFT, RIGHT, TOP, FLOOR] = [42, 588, 20, 264];

const show = async (Part: typeof Distribution, layer: Partial<Layer>): Promise<Mounted> => {
  const kernel = new Kernel([{ name: "w", ...layer }], { state: "done" });
  kernel.set("selected", "w");
  return mount(Part, kernel);
};

const point = (page: Mounted, selector: string, offsetX: number): Promise<void> => {
  const event = new PointerEvent("pointermove", { bubbles: true });
  Object.defineProperty(event, "offsetX", { value: offsetX }); // which happy-dom, having no layout, lacks
  return page.after(() => page.find(selector).dispatchEvent(event));
};

describe("the histogram", () => {
  const bars = (page: Mounted): string[] =>
    [...page.root.querySelectorAll(".wsw-bars")].map((path) => path.getAttribute("d") ?? "");

  it.each([
    [0.5, "0.5000", ["0.3", "0.4", "0.5", "0.6", "0.7"]],
    [-3, "−3.000", ["−4", "−3", "−2"]],
    [0, "0", ["−0.4", "−0.2", "0", "0.2", "0.4"]],
    [1e-30, "1.000×10⁻³⁰", ["6×10⁻³¹", "8×10⁻³¹", "10⁻³⁰", "1.2×10⁻³⁰", "1.4×10⁻³⁰"]],
    [1e308, "1.000×10³⁰⁸", ["6×10³⁰⁷", "8×10³⁰⁷", "10³⁰⁸", "1.2×10³⁰⁸", "1.4×10³⁰⁸"]],
  ])("of weights that all are %d is one bar around it", async (value, written, ticks) => {
    const page = await show(Distribution, { histogram: { low: value, high: value, counts: [100] } });
    expect(page.find("[role=img]").getAttribute("aria-label")).toBe(
      `Histogram of w: 100 weights from ${written} to ${written}`,
    );
    expect(bars(page)[0]).toMatch(/^M42\.00,264V[\d.]+H588\.00V264Z$/);
    const labels = page.texts(".wsw-histogram text[text-anchor=middle]");
    expect(labels).toEqual(expect.arrayContaining(ticks));
  });

  it("counts in whole weights", async () => {
    const page = await show(Distribution, { histogram: { low: 0, high: 1, counts: [1, 2] } });
    expect(page.texts(".wsw-histogram text[text-anchor=end]").filter((label) => label !== "Weight")).toEqual([
      ...["0", "1", "2"],
      ...["1", "2"],
    ]);
  });

  it("shows a single weight beside millions on the log axis, and nothing where there is none", async () => {
    const page = await show(Distribution, { histogram: { low: -4, high: 4, counts: [1, 0, 5e6, 0] } });
    const heights = [...(bars(page)[1] ?? "").matchAll(/V([\d.]+)H/g)].map(([, y]) => FLOOR - Number(y));
    expect(heights.map((height) => height > 5)).toEqual([true, false, true, false]);
    expect([heights[1], heights[3]]).toEqual([0, 0]);
    expect(page.find("[role=img]").getAttribute("aria-label")).toContain("5,000,001 weights");
  });

  it.each([
    [LEFT + 1, "−4.000 to −2.000: 1"],
    [RIGHT - 1, "2.000 to 4.000: 7"],
    [LEFT - 5, null],
    [RIGHT + 5, null],
  ])("reads out what is at %d pixels", async (offset, readout) => {
    const page = await show(Distribution, { histogram: { low: -4, high: 4, counts: [1, 0, 5, 7] } });
    await point(page, ".wsw-histogram", offset);
    expect(page.texts(".wsw-readout")).toEqual(readout === null ? [] : [readout]);
    expect(page.root.querySelectorAll(".wsw-pointed")).toHaveLength(readout === null ? 0 : 2); // in both plots
    await page.after(() => page.find(".wsw-histogram").dispatchEvent(new PointerEvent("pointerleave")));
    expect(page.texts(".wsw-readout")).toEqual([]);
  });

  it.each([
    [-3.4028234663852886e38, 3.4028234663852886e38],
    [-1.7976931348623157e308, 1.7976931348623157e308],
    [-1e-45, 1e-45],
    [-1e-323, 1e-323],
  ])("from %d to %d has a place for every bin", async (low, high) => {
    const page = await show(Distribution, { histogram: { low, high, counts: [3, 0, 2] } });
    expect(page.root.innerHTML).not.toMatch(/NaN|Infinity|undefined/);
    expect(bars(page)[0]).toMatch(/H224\.00.*H406\.00.*H588\.00V264Z$/);
  });
});

describe("the spectrum", () => {
  const twelve = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1];

  it("has a bar for each of the ten largest, and a line through all", async () => {
    const page = await show(SingularValues, { spectrum: twelve });
    expect(page.root.querySelectorAll("rect.wsw-bar")).toHaveLength(10);
    expect(page.texts(".wsw-axis-title")).toEqual(["Index", "Largest 10", "Index", "All 12 (log)"]);
    // Indices 1 to 12 across; logarithms upwards, from 1/1.3 to 12 · 1.3.
    const places = (page.find(".wsw-line").getAttribute("d") ?? "").slice(1).split("L");
    const expected = twelve.map((value, index) => {
      const x = LEFT + 4 + ((RIGHT - LEFT - 4) * index) / 11;
      const y = FLOOR - ((FLOOR - TOP) * Math.log(value * 1.3)) / Math.log(12 * 1.3 * 1.3);
      return [expect.closeTo(x, 1), expect.closeTo(y, 1)];
    });
    expect(places.map((place) => place.split(",").map(Number))).toEqual(expected);
  });

  it("of one value is a bar and a dot", async () => {
    const page = await show(SingularValues, { spectrum: [0.7] });
    expect(page.root.querySelectorAll("rect.wsw-bar")).toHaveLength(1);
    expect(page.root.querySelectorAll("circle.wsw-dot")).toHaveLength(1);
    expect(page.find(".wsw-pair").getAttribute("aria-label")).toBe(
      "Singular values of w: 1, from 0.7000 down to 0.7000",
    );
  });

  it("of zeros is drawn flat, and its zeros are counted", async () => {
    const page = await show(SingularValues, { spectrum: [0, 0, 0] });
    expect(page.texts(".wsw-readout")).toEqual(["3 values at zero not drawn"]);
    expect([...page.root.querySelectorAll("rect.wsw-bar")].map((bar) => bar.getAttribute("height"))).toEqual([
      "0",
      "0",
      "0",
    ]);
    expect(page.root.querySelector(".wsw-line")).toBeNull();
    expect(page.root.innerHTML).not.toMatch(/NaN|Infinity|undefined/);
  });

  it.each([[[3.4e38, 1e-45]], [[1e-320, 5e-324]], [[2, 2, 2]]])("%j has a place for every value", async (spectrum) => {
    const page = await show(SingularValues, { spectrum });
    expect(page.root.innerHTML).not.toMatch(/NaN|Infinity|undefined/);
    const heights = (page.find(".wsw-line").getAttribute("d") ?? "").match(/(?<=,)[\d.]+/g)?.map(Number) ?? [];
    expect(heights).toHaveLength(spectrum.length);
    for (const y of heights) expect(y >= TOP && y <= FLOOR).toBe(true);
  });

  it("reads out the value under the pointer, in either plot", async () => {
    const page = await show(SingularValues, { spectrum: twelve });
    await point(page, ".wsw-spectrum", LEFT + 4 + ((RIGHT - LEFT - 4) * 11) / 11);
    expect(page.texts(".wsw-readout")).toEqual(["σ12 = 1.000"]);
    await point(page, ".wsw-spectrum", 0);
    expect(page.texts(".wsw-readout")).toEqual([]);
    await page.after(() =>
      page.root.querySelectorAll("rect.wsw-bar")[2]?.dispatchEvent(new PointerEvent("pointerenter")),
    );
    expect(page.texts(".wsw-readout")).toEqual(["σ3 = 10.00"]);
  });

  it.each([
    ["above all values", 20, 2],
    ["among them", 5, 2],
    ["below all", 0.5, 1], // the linear axis goes down to zero
    ["unknown", Number.NaN, 0],
  ])("shows the random edge %s where it is in view", async (_, edge, lines) => {
    const page = await show(SingularValues, { spectrum: twelve, values: { "baseline.marchenko_pastur_edge": edge } });
    expect(page.root.querySelectorAll(".wsw-random line")).toHaveLength(lines);
    expect(page.root.innerHTML).not.toMatch(/NaN|Infinity/);
  });
});
