/** What each quantization scheme would make of the layers: bytes, errors and risks, worked out by hand. */

import { describe, expect, it } from "vitest";
import { SCHEMES, sidesOf } from "../../../js/src/domain/schemes";
import { type SchemeSummary, summarize } from "../../../js/src/panels/schemes/summarize";
import { createStore } from "../../../js/src/state/store";
import { Kernel, LAYERS, type Layer } from "../kernel";

const INFINITE = Number.POSITIVE_INFINITY;
const NAMES = [
  "int8_tensor",
  "int8_channel",
  "int8_group128",
  "int4_channel",
  "int4_group128",
  "nf4_block64",
  "fp8_e4m3",
];
const OTHERS = NAMES.slice(1);

describe("the sides of a shape", () => {
  it.each([
    ["768 × 3072", false, [768, 3072, 1]],
    ["64 × 3 × 7 × 7", false, [64, 147, 1]], // 3 · 7 · 7 columns
    ["512 × 1 × 3", false, [512, 3, 1]],
    ["1 × 1", false, [1, 1, 1]],
    ["8 × 14336 × 4096", true, [14336, 4096, 8]], // eight experts
    ["8 × 64 × 3 × 3", true, [64, 9, 8]],
    ["8 × 14336 × 4096", false, [8, 14336 * 4096, 1]],
  ] as const)("%s, stacked %s: %j", (shape, stacked, [rows, columns, matrices]) => {
    expect(sidesOf(shape, stacked)).toEqual({ rows, columns, matrices });
  });

  it.each(["768", "", "scalar", "0 × 768", "768 × 0", "-3 × 4", "? × 4"])("of %j are none", (shape) => {
    expect(sidesOf(shape, false)).toBeNull();
  });
});

const layer = (name: string, shape: string, values: Record<string, number> = {}): Layer => ({ name, shape, values });

const open = (layers: Layer[], { stacked = [] as number[], dtypes = [] as string[] } = {}) => {
  const kernel = new Kernel(layers);
  const catalog = kernel.get("_catalog");
  kernel.change("_catalog", { ...catalog, stacked, dtypes: catalog.dtypes.map((usual, row) => dtypes[row] ?? usual) });
  return { kernel, store: createStore(kernel) };
};
const bytes = (summaries: SchemeSummary[]): Record<string, number> =>
  Object.fromEntries(summaries.map(({ scheme, bytes }) => [scheme, bytes]));
const one = (summaries: SchemeSummary[], scheme: string): SchemeSummary =>
  summaries.find((summary) => summary.scheme === scheme) as SchemeSummary;

it("there are seven, in the order of the document", () => {
  expect(Object.keys(SCHEMES)).toEqual(NAMES);
  expect(summarize(open([]).store).map(({ scheme }) => scheme)).toEqual(NAMES);
});

describe("bytes", () => {
  it("of 4 × 200 weights", () => {
    // 800 weights: 800 bytes in eight bits, 400 in four. Scales of two bytes: one, one per row (8 bytes), two groups of
    // at most 128 per row (4 · 2 · 2 = 16); or 800 / 64 = 12.5, so 13 blocks with scales of four bytes (52).
    expect(bytes(summarize(open([layer("a", "4 × 200")]).store))).toEqual({
      int8_tensor: 802,
      int8_channel: 808,
      int8_group128: 816,
      int4_channel: 408,
      int4_group128: 416,
      nf4_block64: 452,
      fp8_e4m3: 802,
    });
  });

  it("of a stack of 3 matrices of 4 × 200, each with scales of its own", () => {
    expect(bytes(summarize(open([layer("a", "3 × 4 × 200")], { stacked: [0] }).store))).toEqual({
      int8_tensor: 3 * 802,
      int8_channel: 3 * 808,
      int8_group128: 3 * 816,
      int4_channel: 3 * 408,
      int4_group128: 3 * 416,
      nf4_block64: 3 * 452,
      fp8_e4m3: 3 * 802,
    });
  });

  it("of a convolution of 2 × 3 × 7 × 7, whose rows have 147 weights", () => {
    // 294 weights; two groups per row; 294 / 64 = 4.6, so 5 blocks.
    expect(bytes(summarize(open([layer("a", "2 × 3 × 7 × 7")]).store))).toEqual({
      int8_tensor: 294 + 2,
      int8_channel: 294 + 2 * 2,
      int8_group128: 294 + 2 * 2 * 2,
      int4_channel: 147 + 2 * 2,
      int4_group128: 147 + 2 * 2 * 2,
      nf4_block64: 147 + 5 * 4,
      fp8_e4m3: 294 + 2,
    });
  });

  it("are added up, of matrices only", () => {
    const { store } = open([layer("a", "4 × 200"), layer("norm", "768"), layer("b", "1 × 1"), layer("none", "")]);
    // One weight: one byte or a half, and one scale.
    expect(bytes(summarize(store))).toMatchObject({
      int8_tensor: 802 + 3,
      int4_channel: 408 + 2.5,
      nf4_block64: 452 + 4.5,
    });
  });

  it("as stored follow the type, and are not known where that is not", () => {
    const layers = ["float64", "float32", "float16", "bfloat16", "Q4_K", "int4 (GPTQ)", "int8 (ONNX)", "quite new"].map(
      (name) => layer(name, "2 × 256"),
    );
    const { store } = open(layers, { dtypes: layers.map(({ name }) => name) });
    const stored = layers.map((_, row) => {
      store.reset({ by: "rows", from: "map", rows: new Set([row]) });
      return new Set(summarize(store).map((summary) => summary.stored));
    });
    // 512 weights; Q4_K takes 144 bytes for 256.
    expect(stored).toEqual([4096, 2048, 1024, 1024, 288, 256, 512, Number.NaN].map((size) => new Set([size])));
    store.reset();
    expect(one(summarize(store), "int8_tensor").stored).toBeNaN();
  });

  it("are of the layers that filters leave", () => {
    const { store } = open([layer("a", "4 × 200"), layer("b", "1 × 1")]);
    store.search("b");
    expect(one(summarize(store), "int8_tensor")).toMatchObject({ bytes: 3, stored: 4 });
    store.search("nothing like it");
    expect(one(summarize(store), "int8_tensor")).toEqual({
      scheme: "int8_tensor",
      bytes: 0,
      stored: 0,
      sqnr: Number.NaN,
      risky: 0,
    });
  });

  it("follow a catalogue that changes", () => {
    const { kernel, store } = open([layer("a", "4 × 200")]);
    expect(one(summarize(store), "int8_tensor").bytes).toBe(802);
    kernel.change("_catalog", { ...kernel.get("_catalog"), shapes: ["4 × 100"] });
    expect(one(summarize(store), "int8_tensor").bytes).toBe(402);
  });
});

describe("the error", () => {
  const sqnr = (value: number, scheme = "int8_tensor"): Record<string, number> =>
    scheme === "int8_tensor" ? { "quantization.sqnr_db": value } : { [`schemes.${scheme}_sqnr_db`]: value };

  it("is weighted by parameters", () => {
    const { store } = open([layer("a", "10 × 30", sqnr(40)), layer("b", "10 × 10", sqnr(20))]);
    expect(one(summarize(store), "int8_tensor").sqnr).toBeCloseTo(35, 12); // (300 · 40 + 100 · 20) / 400
  });

  it("of a stack has the weight of all its matrices", () => {
    const layers = [layer("a", "3 × 10 × 10", sqnr(40)), layer("b", "10 × 10", sqnr(20))];
    expect(one(summarize(open(layers, { stacked: [0] }).store), "int8_tensor").sqnr).toBeCloseTo(35, 12);
  });

  it("passes over layers without one, and those that are exact", () => {
    const layers = [
      layer("a", "10 × 10", sqnr(33)),
      layer("b", "10 × 90", sqnr(Number.NaN)),
      layer("zeros", "10 × 90", sqnr(INFINITE)),
      layer("norm", "900", sqnr(10)),
    ];
    expect(one(summarize(open(layers).store), "int8_tensor")).toMatchObject({ sqnr: 33, risky: 0 });
  });

  it.each(OTHERS)("of %s is its own", (scheme) => {
    const { store } = open([layer("a", "10 × 10", { ...sqnr(30), ...sqnr(17.5, scheme) })]);
    const summaries = summarize(store);
    expect([one(summaries, scheme).sqnr, one(summaries, "int8_tensor").sqnr]).toEqual([17.5, 30]);
    const rest = summaries.filter((summary) => summary.scheme !== scheme && summary.scheme !== "int8_tensor");
    expect(rest.map((summary) => summary.sqnr)).toEqual(rest.map(() => Number.NaN));
  });

  it("is risky below the line, which moves", () => {
    const { store } = open([29.9, 30, 30.1, 12].map((value, row) => layer(`${row}`, "2 × 2", sqnr(value))));
    const risky = () => one(summarize(store), "int8_tensor").risky;
    expect(risky()).toBe(2); // at 30 dB it is medium
    store.moveThreshold("sqnr_db", 1, 20);
    expect(risky()).toBe(1);
    store.moveThreshold("sqnr_db", 1, 35);
    expect(risky()).toBe(4);
  });

  it("is nowhere where the scan left quantization out", () => {
    const summaries = summarize(open([layer("a", "2 × 2")]).store);
    expect(summaries.map((summary) => [summary.sqnr, summary.risky])).toEqual(NAMES.map(() => [Number.NaN, 0]));
  });
});

it("the layers of kernel.ts take a quarter of their bytes in eight bits", () => {
  const summary = one(summarize(open(LAYERS).store), "int8_tensor");
  // wpe, c_proj, c_fc, c_proj, broken, not.finite, and 2 × 2, each with one scale of two bytes.
  const weights = 786_432 + 589_824 + 2_359_296 + 589_824 + 1200 + 64 + 4;
  expect([summary.bytes, summary.stored, summary.risky]).toEqual([weights + 7 * 2, 4 * weights, 4]);
});
