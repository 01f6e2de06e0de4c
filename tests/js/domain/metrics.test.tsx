/** Every metric of a scan is on the page under its own name, in its own unit. */

import { describe, expect, it } from "vitest";
import { formatMetric } from "../../../js/src/domain/metrics";
import { LayerMetrics } from "../../../js/src/panels/layerMetrics/LayerMetrics";
import { Kernel, type Layer } from "../kernel";
import { mount } from "../page";

/** The reference results of GPT-2's h.0.attn.c_proj, and how each number is written. */
const METRICS: [string, number, string][] = [
  ["spectral.max_singular_value", 26.685930252075195, "26.69"],
  ["spectral.min_singular_value", 0.00025881078909151256, "2.588×10⁻⁴"],
  ["spectral.condition_number", 103109.8046875, "103,100"],
  ["spectral.singular_value_ratio", 0.000009698398571345024, "9.698×10⁻⁶"],
  ["spectral.stable_rank", 18.009939193725586, "18.01"],
  ["spectral.effective_rank", 559, "559"],
  ["spectral.total_rank", 768, "768"],
  ["quantization.abs_max", 3.31640625, "3.316"],
  ["quantization.quantization_scale", 0.026113435039370077, "0.02611"],
  ["quantization.quantization_mse", 0.0000565399786864873, "5.654×10⁻⁵"],
  ["quantization.quantization_mae", 0.006506758742034435, "0.006507"],
  ["quantization.cosine_similarity", 0.9986760020256042, "0.9987"],
  ["quantization.sqnr_db", 25.849987872841602, "25.8 dB"],
  ["quantization.dynamic_range", 45.424631995828285, "45.42"],
  ["quantization.outlier_percentage", 20.338948567708336, "20.3 %"],
  ["quantization.outlier_count", 119964, "119,964"],
  ["quantization.extreme_outlier_percentage", 12.857733832465279, "12.9 %"],
  ["quantization.extreme_outlier_count", 75838, "75,838"],
  ["basic_stats.mean", -0.0001613893691683188, "−1.614×10⁻⁴"],
  ["basic_stats.std", 0.14746104180812836, "0.1475"],
  ["basic_stats.min", -3.31640625, "−3.316"],
  ["basic_stats.max", 3.060546875, "3.061"],
  ["basic_stats.l2_norm", 113.24820709228516, "113.2"],
  ["basic_stats.zeros_percentage", 0.00016954210069444444, "< 0.001 %"],
  ["sparsity.threshold_0.0", 0.00016954210069444444, "< 0.001 %"],
  ["sparsity.threshold_1e-6", 0.002543131510416667, "0.003 %"],
  ["sparsity.threshold_1e-4", 0.26702880859375, "0.267 %"],
  ["sparsity.threshold_1e-2", 24.820963541666664, "24.8 %"],
  ["sparsity.dead_rows", 0, "0"],
  ["sparsity.dead_rows_percentage", 0, "0 %"],
  ["sparsity.dead_columns", 0, "0"],
  ["sparsity.dead_columns_percentage", 0, "0 %"],
  ["sparsity.p10", 0.0038280487060546875, "0.003828"],
  ["sparsity.p25", 0.01007843017578125, "0.01008"],
  ["sparsity.p50", 0.0245819091796875, "0.02458"],
  ["sparsity.p75", 0.0706787109375, "0.07068"],
  ["sparsity.p90", 0.2130126953125, "0.2130"],
  ["sparsity.mean_abs_weight", 0.07300896942615509, "0.07301"],
  ["sparsity.median_abs_weight", 0.0245819091796875, "0.02458"],
];
const VALUES = Object.fromEntries(METRICS.map(([column, value]) => [column, value]));

const open = async (values: Layer["values"]) => {
  const kernel = new Kernel([{ name: "w", values }]);
  kernel.set("selected", "w");
  return mount(LayerMetrics, kernel);
};

it("shows every metric once, with its number", async () => {
  const { root } = await open(VALUES);
  const shown = [...root.querySelectorAll<HTMLElement>("tr[data-metric]")].map((row) => [
    `${row.closest("table")?.dataset.section}.${row.dataset.metric}`,
    row.querySelector("td")?.title,
    row.querySelector("td")?.textContent,
  ]);
  const expected = METRICS.map(([column, value, text]) => [column, String(value), text]);
  expected.splice(5, 0, ["spectral.stable_rank_percentage", "2.3450441658496857", "2.35 %"]); // 100 · 18.01 / 768
  expect(shown).toEqual(expected);
});

it("colours four of them by their class, and words the class", async () => {
  const { root } = await open(VALUES);
  const chips = [...root.querySelectorAll<HTMLElement>(".wsw-chip")].map((chip) => [
    chip.closest<HTMLElement>("tr")?.dataset.metric,
    chip.dataset.level,
    chip.textContent,
  ]);
  expect(chips).toEqual([
    ["condition_number", "red", "very high"],
    ["stable_rank_percentage", "red", "very high potential"],
    ["sqnr_db", "red", "high risk"],
    ["extreme_outlier_percentage", "red", "very high risk"],
  ]);
});

it("moves the classes with the thresholds", async () => {
  const { kernel, find, after } = await open({ "spectral.condition_number": 103109.8, "spectral.total_rank": 768 });
  await after(() => kernel.change("thresholds", { ...kernel.get("thresholds"), condition_number: [1e5, 1e6, 1e7] }));
  expect(find(".wsw-chip").textContent).toBe("attention");
});

describe("beside what chance would give", () => {
  it("stand the baselines, to two digits and in the metric's unit", async () => {
    const { texts } = await open({
      "spectral.condition_number": 45.5,
      "baseline.condition_number": 2.9929,
      "spectral.stable_rank": 35.2,
      "spectral.total_rank": 768,
      "baseline.stable_rank_percentage": 44.444,
      "quantization.sqnr_db": 29.8,
      "baseline.sqnr_db": 38.76,
      "baseline.marchenko_pastur_edge": 83.1,
      "basic_stats.std": 0.2,
    });
    expect(texts(".wsw-baseline").filter(Boolean)).toEqual(["≈ 3", "≈ 44 %", "≈ 39 dB"]);
    expect(texts("[data-section=basic_stats] th")).not.toContain("Random");
  });
});

describe("what does not exist", () => {
  it("is a dash, and without a class", async () => {
    const { texts, root } = await open({
      "spectral.condition_number": Number.NaN,
      "spectral.stable_rank": Number.NaN,
      "spectral.total_rank": 8,
    });
    expect(texts("[data-section=spectral] td")).toEqual(["—", "—", "—", "8"]);
    expect(root.querySelector(".wsw-chip")).toBeNull();
  });

  it("has no row where other layers only have it, and no section where the layer has none of it", async () => {
    const { texts } = await open({
      "basic_stats.mean": 0.5,
      "basic_stats.nan_count": Number.NaN,
      "sparsity.dead_rows": Number.NaN,
      "spectral.stable_rank": Number.NaN,
      "spectral.total_rank": Number.NaN,
    });
    expect(texts("tr[data-metric] th")).toEqual(["Mean"]);
  });
});

it.each([
  ["condition_number", Number.POSITIVE_INFINITY, "∞"],
  ["sqnr_db", Number.POSITIVE_INFINITY, "∞"],
  ["effective_rank", 12_345, "12,345"],
  ["stable_rank", 1, "1"],
  ["nan_count", 3_000_000, "3,000,000"],
  ["min", -0, "0"],
])("%s of %d is %s", (metric, value, text) => {
  expect(formatMetric(metric, value)).toBe(text);
});

describe("quantization schemes", () => {
  const SCHEMES = {
    "schemes.int8_tensor_sqnr_db": 38.764,
    "schemes.int8_tensor_relative_mse": 0.000133,
    "schemes.nf4_block64_sqnr_db": 20.73,
    "schemes.nf4_block64_relative_mse": 0.00845,
    "schemes.fp9_of_tomorrow_sqnr_db": Number.POSITIVE_INFINITY,
    "schemes.fp9_of_tomorrow_relative_mse": Number.NaN,
  };

  it("has a row for each, with its error", async () => {
    const { root } = await open({ ...VALUES, ...SCHEMES });
    const rows = [...root.querySelectorAll("table[data-section=schemes] tbody tr")];
    expect(rows.map((row) => [...row.children].map((cell) => cell.textContent))).toEqual([
      ["INT8 per tensor", "38.8 dB", "0.013 %"],
      ["NF4, blocks of 64", "20.7 dB", "0.845 %"],
      ["fp9 of tomorrow", "∞", "—"],
    ]);
  });

  it("is left out where the scan left it out", async () => {
    const { root } = await open(VALUES);
    expect(root.querySelector("table[data-section=schemes]")).toBeNull();
  });
});
