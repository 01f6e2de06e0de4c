/** Where the risk matrix puts layers, and what the pointer and the keys do there. */

import { describe, expect, it } from "vitest";
import { RiskMatrix } from "../../../js/src/panels/riskMatrix/RiskMatrix";
import { insideFrame, type Point, pointsOf, scalesOf } from "../../../js/src/panels/riskMatrix/scene";
import { createStore } from "../../../js/src/state/store";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { type Mounted, mount, press } from "../page";

// The page is 600 × 300; the plot keeps 40 left, 16 right, 22 above and 38 below.
const LEFT = 48; // where zero per cent is: 8 from the axis, so that marks do not sit on it
const [RIGHT, TOP, BOTTOM] = [584, 22, 262];

/** The axes by their definition: log₁₀(1 + x/0.01) across, up to 1.35 × the most outliers; dB upwards. */
const across = (outliers: number): number =>
  LEFT + ((RIGHT - LEFT) * Math.log1p(outliers / 0.01)) / Math.log1p((1.35 * 12.857733832465279) / 0.01);
const down = (sqnr: number): number =>
  BOTTOM - ((BOTTOM - TOP) * (sqnr - 21.631370338265242)) / (41 - 21.631370338265242);

const point = (page: Mounted, x: number, y: number, type: string): void => {
  const [clientX, clientY] = [x, y];
  page.find(".wsw-surface").dispatchEvent(new PointerEvent(type, { clientX, clientY, bubbles: true }));
};

describe("the scene", () => {
  it("has every layer whose outliers and noise are known, an exact one among them", () => {
    const exact = { "quantization.extreme_outlier_percentage": 0, "quantization.sqnr_db": Number.POSITIVE_INFINITY };
    const points = pointsOf(createStore(new Kernel([...LAYERS, { name: "exact", values: exact }])));
    expect(points.map(({ row }) => row)).toEqual([0, 1, 2, 3, 5, 7]);
    expect(points.at(-1)).toEqual({ row: 7, outliers: 0, sqnr: Number.POSITIVE_INFINITY });
  });

  it.each([
    ["none", []],
    ["one at the origin of risk", [[0, 39]]],
    ["the worst there is", [[100, 0]]],
    [
      "far apart",
      [
        [0, 150],
        [100, -3],
        [1e-9, 40],
      ],
    ],
    ["exact alone", [[0, Number.POSITIVE_INFINITY]]],
  ] as [string, [number, number][]][])("holds its points and the document's lines: %s", (_, places) => {
    const points = places.map(([outliers, sqnr], row): Point => ({ row, outliers, sqnr }));
    const size = { width: 600, height: 300 };
    const { x, y } = scalesOf(points, size);
    for (const { outliers, sqnr } of [...points, { outliers: 1, sqnr: 40 }, { outliers: 1, sqnr: 30 }])
      if (Number.isFinite(sqnr)) expect(insideFrame(x(outliers), y(sqnr), size)).toBe(true);
    expect(x(0.2)).toBeGreaterThan(x(0.1));
    expect(y(39)).toBeGreaterThan(y(40)); // upwards
  });
});

describe("a layer", () => {
  it.each([0, 1, 2, 3])("%d is ringed at its outliers and noise when it is selected", async (row) => {
    const page = await mount(RiskMatrix);
    await page.after(() => page.store.select(row));
    const ring = page.find(".wsw-ring-selected");
    const values = LAYERS[row]?.values ?? {};
    expect(Number(ring.getAttribute("cx"))).toBeCloseTo(
      across(values["quantization.extreme_outlier_percentage"] as number),
      6,
    );
    expect(Number(ring.getAttribute("cy"))).toBeCloseTo(down(values["quantization.sqnr_db"] as number), 6);
  });

  it("that INT8 stores exactly lies at the top", async () => {
    const exact = { "quantization.extreme_outlier_percentage": 0, "quantization.sqnr_db": Number.POSITIVE_INFINITY };
    const page = await mount(RiskMatrix, new Kernel([{ name: "zeros", values: exact }]));
    await page.after(() => page.store.select(0));
    expect(page.find(".wsw-ring-selected").getAttribute("cy")).toBe("28");
  });

  it("is chosen by a click near it, and none by a click into the void", async () => {
    const page = await mount(RiskMatrix);
    const [x, y] = [across(12.857733832465279), down(25.849987872841602)];
    await page.after(() => point(page, x + 10, y + 4, "click"));
    expect(page.store.selected.value).toBe(1);
    await page.after(() => point(page, 300, 40, "click"));
    expect(page.store.selected.value).toBe(1);
  });

  it("tells its facts under the pointer, as text", async () => {
    const page = await mount(
      RiskMatrix,
      new Kernel([...LAYERS.slice(0, 3), { ...(LAYERS[3] as Layer), name: "<b>9</b>" }]),
    );
    await page.after(() => point(page, across(0.09223090277777778), down(29.624786722648246), "pointermove"));
    expect(page.store.hovered.value).toBe(3);
    expect(page.find(".wsw-tooltip strong").textContent).toBe("h9.attn.c_proj");
    expect(page.texts(".wsw-tooltip dd")).toEqual([
      "o · Attention · 768 × 768",
      "29.6 dB",
      "0.092 %",
      "129,500",
      "Good",
    ]);
    expect(page.texts(".wsw-tooltip-name")).toEqual(["<b>9</b>"]);
    await page.after(() => point(page, 0, 0, "pointerleave"));
    expect([page.store.hovered.value, page.texts(".wsw-tooltip")]).toEqual([null, []]);
    await page.after(() => page.store.hover(1));
    expect(page.texts(".wsw-tooltip")).toEqual([]);
  });

  it("hovered elsewhere is ringed and named here, without a tooltip", async () => {
    const page = await mount(RiskMatrix);
    await page.after(() => page.store.hover(2));
    expect(page.root.querySelectorAll(".wsw-ring-hovered")).toHaveLength(1);
    expect(page.texts(".wsw-label")).toContain("h0.mlp.c_fc");
    expect(page.texts(".wsw-tooltip")).toEqual([]);
    await page.after(() => page.store.select(2));
    expect(page.root.querySelectorAll("circle")).toHaveLength(1); // one ring is enough
  });
});

describe("zooming", () => {
  const line = (page: Mounted): number => Number(page.find(".wsw-threshold line").getAttribute("y1"));

  it.each([
    ["keys", (page: Mounted, key: string) => press(page.find(".wsw-surface"), key)],
    [
      "buttons",
      (page: Mounted, key: string) =>
        page
          .find(`.wsw-buttons button[aria-label='${{ "+": "Zoom in", "-": "Zoom out", "0": "Show all" }[key]}']`)
          .click(),
    ],
  ])("by %s keeps the centre, and all is shown again", async (_, zoom) => {
    const page = await mount(RiskMatrix);
    const whole = line(page);
    await page.after(() => zoom(page, "+"));
    // 1.5 times as far from the middle of the frame.
    const middle = (TOP + BOTTOM) / 2;
    await page.after(() => zoom(page, "-"));
    expect(line(page)).toBeCloseTo(whole, 6);
    await page.after(() => page.kernel.change("thresholds", { ...page.kernel.get("thresholds"), sqnr_db: [33, 28] }));
    const near = line(page);
    await page.after(() => zoom(page, "+"));
    expect(line(page) - middle).toBeCloseTo(1.5 * (near - middle), 6);
    await page.after(() => zoom(page, "+"));
    await page.after(() => zoom(page, "0"));
    expect(line(page)).toBeCloseTo(near, 6);
  });

  it("never goes below the whole, nor keeps keys from walking", async () => {
    const page = await mount(RiskMatrix);
    const whole = line(page);
    await page.after(() => press(page.find(".wsw-surface"), "-"));
    expect(line(page)).toBe(whole);
    await page.after(() => press(page.find(".wsw-surface"), "ArrowLeft"));
    expect(page.store.selected.value).toBe(6);
  });
});

it("names only the families that there are", async () => {
  expect((await mount(RiskMatrix)).texts(".wsw-legend li")).toEqual(["Attention", "MLP", "Embedding", "Other"]);
  const two = new Kernel([LAYERS[2], LAYERS[1]] as Layer[]);
  expect((await mount(RiskMatrix, two)).texts(".wsw-legend li")).toEqual(["Attention", "MLP"]);
});

it("says what has no place, a vector among them", async () => {
  const vector = { name: "ln_f", values: { parameters: 768, "basic_stats.mean": 1.2 } };
  const { texts } = await mount(RiskMatrix, new Kernel([...LAYERS.slice(0, 2), vector], { state: "done" }));
  expect(texts(".wsw-note")[0]).toContain("1 layer not drawn: failed, vectors, or without finite weights.");
});
