/** The layer map on the page: what its tiles show, and what the pointer does there. */

import { describe, expect, it } from "vitest";
import { LayerMap } from "../../../js/src/panels/layerMap/LayerMap";
import { PALETTES } from "../../../js/src/theme/palette";
import { type Drawn, drag as dragOver, drawn, pointAt } from "../drawn";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { type Mounted, mount } from "../page";

const { levels, muted, line } = PALETTES.light;

/** The real layers of kernel.ts in their blocks, of which only 0 and 9 are here. */
const BLOCKS: (number | undefined)[] = [undefined, 0, 0, 9];
const GPT2: Layer[] = LAYERS.map((layer, row) => ({
  ...layer,
  values: { ...layer.values, block: BLOCKS[row] ?? Number.NaN },
}));

// The page is 600 × 300. Kinds are two letters of 6 pixels at most, so blocks begin at 12 + 12 = 24; a cell is as wide
// and high as it may be, 72 × 34. Two lines, o and up, from 18 to 86; 18 for the numbers of the blocks and 18 for the
// next heading, so the loose layers (0, 4, 5, 6) begin at 122.
const PLACES: Record<number, [number, number]> = {
  1: [24, 18],
  3: [96, 18],
  2: [24, 52],
  0: [24, 122],
  4: [96, 122],
  5: [168, 122],
  6: [240, 122],
};
const middle = (row: number): [number, number] => {
  const [x, y] = PLACES[row] as [number, number];
  return [x + 36, y + 17];
};

const open = (layers = GPT2) => mount(LayerMap, new Kernel(layers));

const point = (page: Mounted, type: string, place: [number, number], more: PointerEventInit = {}) =>
  pointAt(page, page.find(".wsw-surface"), type, place, more);
const drag = (page: Mounted, ...places: [number, number][]) =>
  dragOver(page, page.find(".wsw-surface"), places, { hold: true });
const tileOf = (page: Mounted, row: number): Drawn | undefined =>
  drawn(page).find(({ place }) => place.join() === PLACES[row]?.join());

describe("the tiles", () => {
  it("are one for each layer, at its block and kind, in the colour of its class", async () => {
    const page = await open();
    expect(drawn(page)).toHaveLength(7);
    const colours = [levels.yellow, levels.red, levels.green, levels.red, muted, line, line];
    // κ: attention, very high, safe, very high; one failed, and two have none.
    for (const [row, colour] of colours.entries())
      expect(tileOf(page, row)).toMatchObject({ colour, size: [71, 33], alpha: colour === line ? 0.6 : 1 });
  });

  it("are named: kinds beside them, blocks below, and what is outside the blocks", async () => {
    const page = await open();
    expect(page.texts(".wsw-map-heading")).toEqual(["Blocks", "Outside the blocks, in model order"]);
    expect(page.texts(".wsw-map-labels text:not(.wsw-map-heading)")).toEqual(["o", "up", "0", "9"]);
  });

  it("of a model with stacks stand under the name of each", async () => {
    const kernel = new Kernel(GPT2.slice(1, 4));
    kernel.change("_catalog", { ...kernel.get("_catalog"), stacks: ["encoder", "encoder", "decoder"] });
    expect((await mount(LayerMap, kernel)).texts(".wsw-map-heading")).toEqual([
      "Blocks of the encoder",
      "Blocks of the decoder",
    ]);
  });

  it("that filters leave out are faint", async () => {
    const page = await open();
    await page.after(() => page.store.search("c_proj"));
    expect([1, 3, 2, 0].map((row) => tileOf(page, row)?.alpha)).toEqual([1, 1, 0.15, 0.15]);
  });

  it("follow thresholds that move", async () => {
    const page = await open();
    await page.after(() => page.store.moveThreshold("condition_number", 2, 110_000));
    expect([1, 3].map((row) => tileOf(page, row)?.colour)).toEqual([levels.orange, levels.red]);
    expect(page.texts(".wsw-classes b")).toEqual(["1", "1", "1", "1"]);
  });
});

describe("the pointer", () => {
  it.each([0, 1, 2, 3, 4, 5, 6])("selects layer %i where its tile is", async (row) => {
    const page = await open();
    await point(page, "click", middle(row));
    expect(page.store.selected.value).toBe(row);
    const ring = page.find(".wsw-ring-selected");
    const [x, y] = PLACES[row] as [number, number];
    expect(["x", "y", "width", "height"].map((name) => Number(ring.getAttribute(name)))).toEqual([
      x - 1,
      y - 1,
      73,
      35,
    ]);
  });

  it("falls into no gap between two tiles", async () => {
    const page = await open();
    await point(page, "click", [95.5, 30]); // the gap right of layer 1
    expect(page.store.selected.value).toBe(1);
    await point(page, "click", [96, 30]);
    expect(page.store.selected.value).toBe(3);
  });

  it("hovers, with a tooltip, and leaves again", async () => {
    const page = await open();
    await point(page, "pointermove", middle(2));
    expect([page.store.hovered.value, page.texts(".wsw-tooltip strong")]).toEqual([2, ["h0.mlp.c_fc"]]);
    await point(page, "pointermove", [500, 50]); // where nothing is
    expect([page.store.hovered.value, page.texts(".wsw-tooltip")]).toEqual([null, []]);
  });

  it("puts layers beside each other with a key held", async () => {
    const page = await open();
    await point(page, "click", middle(2));
    await point(page, "click", middle(1), { shiftKey: true });
    await point(page, "click", middle(0), { ctrlKey: true });
    expect(page.store.compared.value).toEqual([2, 1, 0]);
    expect(page.root.querySelectorAll(".wsw-ring-selected")).toHaveLength(3);
  });
});

describe("a drag", () => {
  it("narrows to the tiles that it touches, while it is drawn and after", async () => {
    const page = await open();
    await drag(page, [30, 20], [100, 30]); // from the first tile into its right neighbour
    expect(page.store.matching.value).toEqual([1, 3]);
    expect(["x", "y", "width", "height"].map((name) => page.find(".wsw-brush").getAttribute(name))).toEqual([
      ...["30", "20", "70", "10"],
    ]);
    await point(page, "pointermove", [60, 60], { buttons: 1 }); // and down, but not as far right
    await point(page, "pointerup", [60, 60]);
    expect([page.store.matching.value, [...page.store.filters.value.keys()]]).toEqual([[1, 2], ["map"]]);
    expect(page.root.querySelector(".wsw-brush")).toBeNull();
    await point(page, "click", [60, 60]); // as a browser sends it after every drag
    expect(page.store.selected.value).toBeNull();
  });

  it("goes any way", async () => {
    const page = await open();
    await drag(page, [250, 140], [110, 130]);
    await point(page, "pointerup", [110, 130]);
    expect(page.store.matching.value).toEqual([4, 5, 6]);
  });

  it("of less than a few pixels is a click", async () => {
    const page = await open();
    await drag(page, middle(1), [61, 36]);
    await point(page, "pointerup", [61, 36]);
    await point(page, "click", [61, 36]);
    expect([page.store.selected.value, page.store.narrowed.value]).toEqual([1, false]);
  });

  it("is taken back by a click where nothing is", async () => {
    const page = await open();
    await drag(page, [30, 20], [70, 50]);
    await point(page, "pointerup", [70, 50]);
    expect(page.store.narrowed.value).toBe(true);
    await point(page, "pointerdown", [500, 50], { button: 0, buttons: 1 });
    await point(page, "pointerup", [500, 50]);
    await point(page, "click", [500, 50]);
    expect(page.store.narrowed.value).toBe(false);
  });

  it("that the system takes away leaves no frame behind", async () => {
    const page = await open();
    await drag(page, [30, 20], [100, 30]);
    await point(page, "pointercancel", [70, 30]);
    expect(page.root.querySelector(".wsw-brush")).toBeNull();
    expect(page.store.matching.value).toEqual([1, 3]);
  });
});

describe("the metric", () => {
  const choose = (page: Mounted, metric: string) =>
    page.after(() => {
      const select = page.find<HTMLSelectElement>("select.wsw-select");
      select.value = metric;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    });

  it("is conditioning unless another is chosen, which is remembered", async () => {
    const page = await open();
    expect(page.find<HTMLSelectElement>("select.wsw-select").value).toBe("condition_number");
    await choose(page, "sqnr_db");
    expect(tileOf(page, 3)?.colour).toBe(levels.red); // 29.6 dB
    expect(tileOf(page, 5)?.colour).toBe(levels.yellow); // 38.1 dB
    expect(page.texts(".wsw-classes li")).toEqual(["safe 0", "medium risk 1", "high risk 4"]);
    page.store.close(); // what waits to be saved is saved
    expect(page.kernel.saved).toEqual([{ _view: { mapMetric: "sqnr_db" } }]);
  });

  it("is the one that was remembered", async () => {
    const kernel = new Kernel(GPT2);
    kernel.change("_view", { mapMetric: "parameters" });
    const page = await mount(LayerMap, kernel);
    expect(page.find<HTMLSelectElement>("select.wsw-select").value).toBe("parameters");
    const { ramp } = PALETTES.light;
    expect([2, 6].map((row) => tileOf(page, row)?.colour)).toEqual([ramp.at(-1), ramp[0]]); // the most, the least
    expect(page.find(".wsw-ramp").textContent).toBe("42,359,296"); // from 4 to 2,359,296
  });

  it("that the scan left out gives way to the first that there is", async () => {
    const layers = GPT2.map(({ values, ...layer }) => ({ ...layer, values: { parameters: values?.parameters ?? 0 } }));
    const page = await open(layers);
    expect(page.find<HTMLSelectElement>("select.wsw-select").value).toBe("parameters");
  });
});
