import { afterEach, describe, expect, it, vi } from "vitest";
import { CLASSES, type ClassifiedMetric } from "../../../js/src/domain/assessment";
import { PANELS } from "../../../js/src/page/boards";
import { CATALOGUES, detectLanguage, factsOf, language, metricTitle, text } from "../../../js/src/text";

type Sentence = (...parts: number[]) => string;

/** Texts that are filled in with something else than numbers: names of classes, figures by their names. */
const APART = ["classes", "advice"];

/** Every text that is filled in, by its path. */
function sentences(of: object, path: string[] = []): [string, Sentence][] {
  return Object.entries(of).flatMap(([key, value]) => {
    if (APART.includes(key)) return [];
    if (typeof value === "function") return [[[...path, key].join("."), value as Sentence] as [string, Sentence]];
    return typeof value === "object" ? sentences(value, [...path, key]) : [];
  });
}

afterEach(() => {
  language.value = "en";
});

describe.each(["en", "zh"] as const)("in %s", (spoken) => {
  it.each(sentences(CATALOGUES[spoken]))("%s says all it is given, and nothing else that is a value", (_, sentence) => {
    const parts = [41, 42, 43, 44].slice(0, sentence.length);
    const said = String(sentence(...parts));
    for (const part of parts) expect(said).toContain(String(part));
    expect(said).not.toMatch(/undefined|NaN\b(?! and|、)|\[object|\$\{|=>/);
  });

  it("every class has words of its own", () => {
    for (const [metric, classes] of Object.entries(CLASSES)) {
      const words = classes.map(({ name }) => CATALOGUES[spoken].classes[metric as ClassifiedMetric](name));
      expect([metric, new Set(words).size]).toEqual([metric, classes.length]);
      expect(words.filter((word) => /\p{Script=Han}/u.test(word))).toEqual(spoken === "zh" ? words : []);
    }
  });

  it("every panel has a title", () => {
    const titles: Record<string, string> = CATALOGUES[spoken].panelTitles;
    expect(PANELS.filter(({ id }) => !titles[id])).toEqual([]);
  });
});

describe("the Chinese catalogue", () => {
  const shape = (of: unknown): unknown =>
    typeof of === "object" && of !== null
      ? Object.entries(of).map(([key, value]) => [key, shape(value)])
      : `${typeof of}${typeof of === "function" ? of.length : ""}`;

  it("has the keys of the English one, in its order, records included", () => {
    expect(shape(CATALOGUES.zh)).toEqual(shape(CATALOGUES.en));
  });

  /** Symbols, formats and proper names, which are the same in both languages, and sentences made only of what they are given. */
  const SAME = new Set([
    ...["family.mlp", "of", "columns.condition_number", "columns.sqnr_db", "metricTitles.sqnr_db"],
    ...["metricTitles.singular_value_ratio", "metricTitles.threshold_0.0", "metricTitles.threshold_1e-6"],
    ...["metricTitles.threshold_1e-4", "metricTitles.threshold_1e-2"],
    ...["schemes.int8_tensor", "schemes.int8_channel", "schemes.int4_channel", "schemes.fp8_e4m3"],
    ...["sqnr", "filterQuery", "filterRange", "filterField", "matches"],
  ]);

  const said = (of: object, path: string[] = []): [string, string][] =>
    Object.entries(of).flatMap(([key, value]): [string, string][] => {
      if (APART.includes(key)) return [];
      const at = [...path, key];
      if (typeof value === "object") return said(value, at);
      return [
        [at.join("."), typeof value === "function" ? String(value(...[1, 2, 3, 4].slice(0, value.length))) : value],
      ];
    });

  it("is in Chinese, except for symbols and proper names", () => {
    const foreign = said(CATALOGUES.zh).filter(([, words]) => !/\p{Script=Han}/u.test(words));
    expect(foreign.map(([path]) => path).filter((path) => !SAME.has(path))).toEqual([]);
  });

  it("has nothing in Chinese that is listed as the same", () => {
    const all = new Map(said(CATALOGUES.zh));
    expect([...SAME].filter((path) => !all.has(path) || /\p{Script=Han}/u.test(all.get(path) ?? ""))).toEqual([]);
  });

  it("has no Chinese punctuation missing where Chinese meets a stop", () => {
    expect(said(CATALOGUES.zh).filter(([, words]) => /\p{Script=Han}[,;:!?]/u.test(words))).toEqual([]);
  });

  it("counts, and names what Python names, in words of its own", () => {
    const { zh } = CATALOGUES;
    expect([
      zh.layers(10_000),
      zh.measuring(3, 12),
      zh.nonFinite(1, 12_000),
      zh.nonFinite(0, 2),
      zh.stack("encoder"),
      zh.stack("talker"),
      zh.classes.condition_number("of tomorrow"),
    ]).toEqual([
      "10,000 层",
      "正在测量权重：3 / 12 层",
      "1 个 NaN、12,000 个无穷值：评为“危险”。其余数值只统计有限的权重。",
      "2 个无穷值：评为“危险”。其余数值只统计有限的权重。",
      "编码器的块",
      "talker 的块",
      "of tomorrow",
    ]);
  });
});

describe("the language", () => {
  const browser = (tag: string) => vi.spyOn(navigator, "language", "get").mockReturnValue(tag);

  it.each([
    ["zh-CN", "zh"],
    ["zh", "zh"],
    ["ZH-tw", "zh"],
    ["en-GB", "en"],
    ["fr", "en"],
  ])("of a browser in %s is %s, unless the person chose one", (tag, expected) => {
    browser(tag);
    expect([detectLanguage("auto"), detectLanguage(undefined)]).toEqual([expected, expected]);
    expect([detectLanguage("en"), detectLanguage("zh")]).toEqual(["en", "zh"]);
  });

  it("is that of all texts from then on", () => {
    language.value = "zh";
    expect([text.retry, metricTitle("std"), factsOf("o", "attention")]).toEqual(["重试", "标准差", "o · 注意力"]);
  });
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
