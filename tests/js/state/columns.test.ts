/** Numbers of all layers at once: where they come from, how they are ranked and classed, and how they read. */

import { describe, expect, it } from "vitest";
import { CLASSES, type ClassifiedMetric, classify } from "../../../js/src/domain/assessment";
import { axisKind, columnOf, formatLevel, formatMetric, metricsOf } from "../../../js/src/domain/metrics";
import { createStore } from "../../../js/src/state/store";
import { Kernel, LAYERS, type Layer } from "../kernel";

const INFINITE = Number.POSITIVE_INFINITY;
const METRICS = Object.keys(CLASSES) as ClassifiedMetric[];

/** Layers that have one metric, of these values. */
const having = (column: string, values: number[]): Layer[] =>
  values.map((value, row) => ({ name: `layer ${row}`, values: { [column]: value } }));

describe("a column", () => {
  it.each([
    ["sqnr_db", "int8_tensor", "quantization.sqnr_db"],
    ["sqnr_db", "int8_channel", "schemes.int8_channel_sqnr_db"],
    ["sqnr_db", "int8_group128", "schemes.int8_group128_sqnr_db"],
    ["sqnr_db", "int4_channel", "schemes.int4_channel_sqnr_db"],
    ["sqnr_db", "int4_group128", "schemes.int4_group128_sqnr_db"],
    ["sqnr_db", "nf4_block64", "schemes.nf4_block64_sqnr_db"],
    ["sqnr_db", "fp8_e4m3", "schemes.fp8_e4m3_sqnr_db"],
    ["condition_number", "nf4_block64", "spectral.condition_number"],
    ["extreme_outlier_percentage", "int4_channel", "quantization.extreme_outlier_percentage"],
    ["near_zero_percentage", "int8_tensor", "sparsity.threshold_1e-2"],
    ["basic_stats.std", "fp8_e4m3", "basic_stats.std"],
    ["parameters", "int8_tensor", "parameters"],
  ])("of %s under %s is %s", (metric, scheme, column) => {
    expect(columnOf(metric, { has: () => true }, scheme)).toBe(column);
  });

  it("is NaN throughout where there is none", () => {
    const { column } = createStore(new Kernel(having("parameters", [1, 2])));
    expect([...column("spectral.effective_rank")]).toEqual([Number.NaN, Number.NaN]);
    expect([...column("parameters")]).toEqual([1, 2]);
  });

  it("of SQNR follows the scheme, and no other does", () => {
    const layers = LAYERS.slice(0, 3).map((layer, row) => ({
      ...layer,
      values: { ...layer.values, "schemes.nf4_block64_sqnr_db": 20 + row },
    }));
    const store = createStore(new Kernel(layers));
    const [sqnr, condition] = [store.column("sqnr_db"), store.column("condition_number")];
    expect([...sqnr]).toEqual([25.835164117483384, 25.849987872841602, 22.631370338265242]);
    store.setView({ scheme: "nf4_block64" });
    expect([...store.column("sqnr_db")]).toEqual([20, 21, 22]);
    expect(store.column("condition_number")).toBe(condition);
    store.setView({ scheme: "fp8_e4m3" }); // which this scan left out
    expect([...store.column("sqnr_db")]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  it("of the share of rank is stable over total rank, and of risk as the document has it", () => {
    const store = createStore(new Kernel());
    const share = store.column("stable_rank_percentage");
    expect(share[0]).toBeCloseTo(0.40172, 5); // 100 · 3.08524 / 768
    expect(share[1]).toBeCloseTo(2.34504, 5); // 100 · 18.00994 / 768
    expect([...share.slice(4)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    const risks = store.column("risk");
    expect(risks[0]).toBeCloseTo(38.42888, 5); // κ of 6,273 costs nothing; 3 · 12.80963
    expect(risks[1]).toBeCloseTo(88.5732, 5); // 50 + 3 · 12.85773
    expect([...risks.slice(4)]).toEqual([Number.NaN, INFINITE, Number.NaN]);
  });
});

describe("a ranking", () => {
  const ranked = (values: number[]) => {
    const { ascending, descending } = createStore(new Kernel(having("basic_stats.std", values)));
    return [ascending("basic_stats.std"), descending("basic_stats.std")];
  };

  it.each([
    ["by value", [2, 3, 1], [2, 0, 1], [1, 0, 2]],
    ["with ties in the model's order", [2, 1, 2, 1, 2], [1, 3, 0, 2, 4], [0, 2, 4, 1, 3]],
    [
      "with infinite values at the ends, in the model's order",
      [5, INFINITE, -INFINITE, INFINITE, -INFINITE],
      [2, 4, 0, 1, 3],
      [1, 3, 0, 2, 4],
    ],
    ["without those that have none", [Number.NaN, 1, Number.NaN, 0], [3, 1], [1, 3]],
    ["of none", [Number.NaN, Number.NaN], [], []],
    ["with both zeros alike", [0, -0, 0], [0, 1, 2], [0, 1, 2]],
    ["of a tenth as a number, not as a text", [10, 9, 100, 1e-3], [3, 1, 0, 2], [2, 0, 1, 3]],
  ])("is %s", (_, values, up, down) => {
    expect(ranked(values)).toEqual([up, down]);
  });

  it("follows the scan", () => {
    const kernel = new Kernel(LAYERS.map(({ values: _, ...layer }) => ({ ...layer, stage: 0 })));
    const { descending } = createStore(kernel);
    expect(descending("condition_number")).toEqual([]);
    kernel.report(LAYERS);
    expect(descending("condition_number")).toEqual([3, 1, 0, 2]);
  });

  it("is not made twice, as long as nothing changes that it rests on", () => {
    const store = createStore(new Kernel());
    const before = store.descending("condition_number");
    store.select(1);
    store.search("attn");
    store.moveThreshold("condition_number", 0, 2000);
    expect(store.descending("condition_number")).toBe(before);
  });
});

describe("classes", () => {
  // At each level, on either side of it, at both infinities, and nowhere.
  const around = (levels: readonly number[]): number[] => [
    ...levels.flatMap((level) => [level - 1e-6 * level, level, level + 1e-6 * level]),
    ...[0, INFINITE, -INFINITE, Number.NaN, 1e300],
  ];
  const columns: Record<ClassifiedMetric, string> = {
    condition_number: "spectral.condition_number",
    sqnr_db: "quantization.sqnr_db",
    extreme_outlier_percentage: "quantization.extreme_outlier_percentage",
    stable_rank_percentage: "spectral.stable_rank",
  };

  it.each(METRICS)("of %s are those of every value by itself", (metric) => {
    const thresholds = new Kernel().get("thresholds");
    const values = around(thresholds[metric]);
    const layers = values.map((value, row) => ({
      name: `layer ${row}`,
      values: { [columns[metric]]: value, "spectral.total_rank": 100 },
    }));
    const store = createStore(new Kernel(layers));
    const expected = [...store.column(metric)].map((value) => classify(metric, value, thresholds)?.name ?? null);
    expect(new Set(expected).size).toBeGreaterThanOrEqual(thresholds[metric].length + 1); // all of them, or nearly
    const found = Array.from(store.classes(metric), (at) => CLASSES[metric][at]?.name ?? null);
    expect(found).toEqual(expected);
    expect(store.classes(metric)[values.findIndex(Number.isNaN)]).toBe(-1);
    expect(values.map((_, row) => store.field(`class:${metric}`, row))).toEqual(expected);
  });

  it("follow thresholds that move", () => {
    const store = createStore(new Kernel());
    expect([...store.classes("condition_number")]).toEqual([1, 3, 0, 3, -1, -1, -1]);
    store.moveThreshold("condition_number", 2, 110_000);
    store.moveThreshold("condition_number", 0, 10);
    expect([...store.classes("condition_number")]).toEqual([1, 2, 1, 3, -1, -1, -1]);
  });
});

it.each([
  ["condition_number", "log"],
  ["spectral.condition_number", "log"],
  ["basic_stats.std", "log"],
  ["basic_stats.l2_norm", "log"],
  ["quantization.quantization_mse", "log"],
  ["sparsity.mean_abs_weight", "log"],
  ["spectral.min_singular_value", "log"],
  ["parameters", "log"],
  ["extreme_outlier_percentage", "symlog"],
  ["quantization.outlier_percentage", "symlog"],
  ["risk", "symlog"],
  ["sqnr_db", "linear"],
  ["stable_rank_percentage", "linear"],
  ["near_zero_percentage", "linear"],
  ["basic_stats.mean", "linear"],
  ["spectral.stable_rank", "linear"],
])("%s is on a %s axis", (metric, kind) => {
  expect(axisKind(metric)).toBe(kind);
});

describe("in words", () => {
  it.each([
    ["condition_number", 103_109.8046875, "103,100"],
    ["condition_number", INFINITE, "∞"],
    ["risk", 88.5732, "88.6"],
    ["risk", INFINITE, "∞"],
    ["sqnr_db", 25.849987872841602, "25.8 dB"],
    ["schemes.nf4_block64_sqnr_db", -3.25, "−3.3 dB"],
    ["sqnr_db", INFINITE, "∞"],
    ["extreme_outlier_percentage", 0.09223, "0.092 %"],
    ["near_zero_percentage", 24.82, "24.8 %"],
    ["sparsity.threshold_1e-2", 24.82, "24.8 %"],
    ["spectral.total_rank", 3072, "3,072"],
    ["spectral.stable_rank", 18.00994, "18.01"],
    ["parameters", 2_359_296, "2,359,296"],
    ["basic_stats.mean", -0.25, "−0.2500"],
    ["sqnr_db", Number.NaN, "—"],
    ["risk", Number.NaN, "—"],
  ])("%s of %f is %s", (metric, value, words) => {
    expect(formatMetric(metric, value)).toBe(words);
  });

  it.each([
    ["condition_number", 1e4, "10,000"],
    ["condition_number", 12.5, "12.5"],
    ["sqnr_db", 40, "40 dB"],
    ["sqnr_db", 37.5, "37.5 dB"],
    ["extreme_outlier_percentage", 0.1, "0.1 %"],
    ["stable_rank_percentage", 70, "70 %"],
  ] as const)("a level of %s at %f is %s", (metric, level, words) => {
    expect(formatLevel(metric, level)).toBe(words);
  });
});

describe("the metrics to choose from", () => {
  const of = (...columns: string[]): string[] => {
    const values = Object.fromEntries(columns.map((column) => [column, 1]));
    return metricsOf(createStore(new Kernel([{ name: "w", values }])).table.value);
  };
  const [SPECTRAL, QUANTIZATION] = [
    ["spectral.condition_number", "spectral.stable_rank", "spectral.stable_rank_percentage", "spectral.total_rank"],
    ["quantization.sqnr_db", "quantization.extreme_outlier_percentage"],
  ];

  it("are those that layers have, the ones with classes first and none twice", () => {
    expect(of("block", "parameters", ...SPECTRAL, ...QUANTIZATION, "sparsity.threshold_1e-2")).toEqual([
      ...["condition_number", "stable_rank_percentage", "sqnr_db", "extreme_outlier_percentage", "risk"],
      ...["near_zero_percentage", "parameters", "spectral.stable_rank", "spectral.total_rank"],
    ]);
  });

  it("leave out what chance would give and what other schemes make", () => {
    expect(of("parameters", "baseline.condition_number", "schemes.nf4_block64_sqnr_db")).toEqual(["parameters"]);
  });

  it("of a scan of nothing but quantization have no rank, no conditioning and no risk", () => {
    expect(of(...QUANTIZATION)).toEqual(["sqnr_db", "extreme_outlier_percentage"]);
  });

  it("of a scan of nothing but spectra have no outliers and no risk", () => {
    expect(of(...SPECTRAL)).toEqual([
      ...["condition_number", "stable_rank_percentage", "spectral.stable_rank", "spectral.total_rank"],
    ]);
  });

  it("are none before anything is measured", () => {
    expect(of()).toEqual([]);
  });
});
