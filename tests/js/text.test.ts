import { describe, expect, it } from "vitest";
import { CLASSES, type ClassifiedMetric } from "../../js/assessment";
import { factsOf, metricTitle, text } from "../../js/text";

type Sentence = (...parts: number[]) => string;

/** Every text that is filled in, by its path; those of the classes take names instead of numbers. */
function sentences(of: object, path: string[] = []): [string, Sentence][] {
  return Object.entries(of).flatMap(([key, value]) => {
    if (key === "classes" || key === "advice") return []; // they take names or evidence instead of numbers
    if (typeof value === "function") return [[[...path, key].join("."), value as Sentence] as [string, Sentence]];
    return typeof value === "object" ? sentences(value, [...path, key]) : [];
  });
}

it.each(sentences(text))("%s says all it is given, and nothing else that is a value", (_, sentence) => {
  const parts = [41, 42, 43, 44].slice(0, sentence.length);
  const said = String(sentence(...parts));
  for (const part of parts) expect(said).toContain(String(part));
  expect(said).not.toMatch(/undefined|NaN\b(?! and)|\[object|\$\{|=>/);
});

describe("numbers of things", () => {
  it.each([
    [text.layers(0), "0 layers"],
    [text.layers(1), "1 layer"],
    [text.layers(10_000), "10,000 layers"],
    [text.skipped(1), "1 tensor left out"],
    [text.measuring(1, 1), "Measuring weights: 1 of 1 layer"],
    [text.nonFinite(1, 0), "1 NaN: graded Critical. All other numbers are of the finite weights."],
    [text.nonFinite(0, 12_000), "12,000 infinite: graded Critical. All other numbers are of the finite weights."],
  ])("%s", (said, expected) => expect(said).toBe(expected));
});

describe("classes", () => {
  /** As section 2 of the specification words them. */
  const WORDED: Record<ClassifiedMetric, string[]> = {
    condition_number: ["safe", "attention", "high", "very high"],
    sqnr_db: ["safe", "medium risk", "high risk"],
    extreme_outlier_percentage: ["friendly", "needs a strategy", "high risk", "very high risk"],
    stable_rank_percentage: [
      "very high potential",
      "high potential",
      "medium potential",
      "low potential",
      "already efficient",
    ],
  };

  it.each(Object.entries(WORDED))("of %s read %j", (metric, worded) => {
    const word = text.classes[metric as ClassifiedMetric];
    expect(CLASSES[metric as ClassifiedMetric].map(({ name }) => word(name))).toEqual(worded);
  });
});

describe("metrics", () => {
  /** Section 1 of the specification, with its nested groups flattened. */
  const METRICS = `
    mean std min max l2_norm zeros_percentage nan_count inf_count
    max_singular_value min_singular_value condition_number singular_value_ratio stable_rank effective_rank total_rank
    abs_max quantization_scale quantization_mse quantization_mae cosine_similarity sqnr_db dynamic_range
    outlier_percentage outlier_count extreme_outlier_percentage extreme_outlier_count
    threshold_0.0 threshold_1e-6 threshold_1e-4 threshold_1e-2
    dead_rows dead_rows_percentage dead_columns dead_columns_percentage
    p10 p25 p50 p75 p90 mean_abs_weight median_abs_weight`
    .trim()
    .split(/\s+/);

  it("each have a title, and no two the same", () => {
    const titles = METRICS.map((metric) => text.metricTitles[metric]);
    expect(METRICS.filter((_, index) => !titles[index])).toEqual([]);
    expect(new Set(titles).size).toBe(METRICS.length);
  });

  it("that the catalogue does not know read as their own names", () => {
    expect(metricTitle("kurtosis_of_rows")).toBe("kurtosis of rows");
  });
});

describe("facts of a layer", () => {
  it.each([
    [factsOf("o", "attention", "768 × 768", "float32"), "o · Attention · 768 × 768 · float32"],
    [factsOf("other", "other", "30 × 40"), "Other · 30 × 40"],
    [factsOf("up", "mlp", "", undefined), "up · MLP"],
    [factsOf(), "Other"],
  ])("%s", (facts, expected) => expect(facts).toBe(expected));
});
