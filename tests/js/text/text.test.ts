/** The messages in both languages: each is used, each is in its language, and names from Python have words. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CLASSES, type ClassifiedMetric } from "../../../js/src/domain/assessment";
import { BOARDS } from "../../../js/src/page/boards";
import {
  className,
  detectLanguage,
  factsOf,
  language,
  type MessageKey,
  metricTitle,
  named,
  render,
  say,
  texts,
} from "../../../js/src/text/messages";
import en from "../../../weightscope_widget/data/text/en.json";
import zh from "../../../weightscope_widget/data/text/zh.json";

/** Every message by its key; a message with plurals is its most general form. */
function flat(group: object, prefix = ""): [string, string][] {
  return Object.entries(group).flatMap(([name, value]) => {
    if (typeof value === "string") return [[prefix + name, value]];
    return "other" in value ? [[prefix + name, value.other]] : flat(value, `${prefix}${name}.`);
  });
}

afterEach(() => {
  language.value = "en";
  texts.value = { en, zh };
});

describe("a key", () => {
  const files = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
    );
  const sources = [...files("js/src"), ...files("weightscope_widget")]
    .filter((path) => /\.(tsx?|py)$/.test(path) && !path.endsWith("keys.py"))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  const literal = new Set(sources.match(/(?<=["'`@])[a-z][\w-]*(?:\.[\w -]+)+(?=["'`}])/gi));
  // `named("group", name)` of the page, and templates and f-strings that begin with a group.
  const groups = [
    ...sources.matchAll(/named\(\s*"([\w.-]+)"/g),
    ...sources.matchAll(/["'`]([a-z][\w-]*(?:\.[\w-]+)*)\.\$?\{/gi),
  ].map(([, group]) => `${group}.`);
  const inserted = new Set(flat(en).flatMap(([, text]) => text.match(/(?<=:@)[\w.]+/g) ?? []));

  it("is used by the page or by Python", () => {
    const used = (key: string) =>
      literal.has(key) || inserted.has(key) || groups.some((group) => key.startsWith(group)) || !key.includes(".");
    expect(
      flat(en)
        .map(([key]) => key)
        .filter((key) => !used(key)),
    ).toEqual([]);
  });
});

describe("Chinese", () => {
  /** Symbols, formats and proper names, the same in both languages, and sentences made only of what they are given. */
  const page = flat({ page: zh.page, metrics: zh.metrics, change: zh.change, explain: zh.explain });

  it("is Chinese, except for symbols and proper names", () => {
    const same = page.filter(([, text]) => !/\p{Script=Han}/u.test(text)).map(([key]) => key);
    const english = new Map(flat(en));
    const words = (key: string) =>
      (english.get(key) ?? "").replace(/\{[^}]*\}/g, "").match(/\b(?!(?:INT|NF|FP|SQNR|MLP|per)\b)[a-z]{4,}/gi) ?? [];
    expect(same.filter((key) => words(key).some((word) => !["tensor", "channel"].includes(word)))).toEqual([]);
  });

  it("has no English punctuation where Chinese meets a stop", () => {
    expect(page.filter(([, text]) => /\p{Script=Han}[,;:!?]/u.test(text))).toEqual([]);
  });

  it("counts, and names what Python names, in words of its own", () => {
    language.value = "zh";
    expect([
      say("layers", { count: 10_000 }),
      say("page.measuring", { done: 3, total: 12 }),
      render("page.stacks.encoder"),
      className("condition_number", "of tomorrow"),
      say("page.retry"),
      metricTitle("std"),
      factsOf("o", "attention"),
    ]).toEqual(["10,000 层", "正在测量权重：3 / 12 层", "编码器的块", "of tomorrow", "重试", "标准差", "o · 注意力"]);
  });
});

describe.each(["en", "zh"] as const)("in %s", (spoken) => {
  it("every class has words of its own", () => {
    language.value = spoken;
    for (const [metric, classes] of Object.entries(CLASSES)) {
      const words = classes.map(({ name }) => className(metric, name));
      expect([metric, new Set(words).size]).toEqual([metric, classes.length]);
    }
  });

  it("every panel has a title", () => {
    language.value = spoken;
    const ids = Object.values(BOARDS).flatMap(({ panels }) => panels.map(({ id }) => id));
    expect(ids.filter((id) => render(`page.panelTitles.${id}`).startsWith("page."))).toEqual([]);
  });
});

describe("the language", () => {
  it.each([
    ["zh-CN", "zh"],
    ["zh", "zh"],
    ["ZH-tw", "zh"],
    ["en-GB", "en"],
    ["fr", "en"],
  ])("of a browser in %s is %s, unless the person chose one", (tag, expected) => {
    vi.spyOn(navigator, "language", "get").mockReturnValue(tag);
    expect([detectLanguage("auto"), detectLanguage(undefined)]).toEqual([expected, expected]);
    expect([detectLanguage("en"), detectLanguage("zh")]).toEqual(["en", "zh"]);
  });

  it("whose messages have not come yet is that of those that are here", () => {
    texts.value = { zh };
    expect(say("page.retry")).toBe("重试");
  });
});

describe("numbers of things", () => {
  it.each<[MessageKey, Record<string, number>, string]>([
    ["layers", { count: 0 }, "0 layers"],
    ["layers", { count: 1 }, "1 layer"],
    ["layers", { count: 10_000 }, "10,000 layers"],
    ["page.skipped", { count: 1 }, "1 tensor left out"],
    ["page.measuring", { done: 1, total: 1 }, "Measuring weights: 1 of 1 layer"],
  ])("%s of %j", (key, args, expected) => expect(say(key, args)).toBe(expected));
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
    expect(CLASSES[metric as ClassifiedMetric].map(({ name }) => className(metric, name))).toEqual(worded);
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
    const titles: Record<string, string> = en.metrics;
    expect(METRICS.filter((metric) => !titles[metric])).toEqual([]);
    expect(METRICS.map(metricTitle)).toEqual(METRICS.map((metric) => titles[metric]));
    expect(new Set(METRICS.map(metricTitle)).size).toBe(METRICS.length);
  });

  it("without a title read as their own names, those of every object included", () => {
    expect(metricTitle("kurtosis_of_rows")).toBe("kurtosis of rows");
    expect([named("page.schemes", "constructor"), named("page.schemes", "int3_block")]).toEqual([
      "constructor",
      "int3 block",
    ]);
  });
});

describe("facts of a layer", () => {
  it.each([
    [["o", "attention", "768 × 768", "float32"], "o · Attention · 768 × 768 · float32"],
    [["other", "other", "30 × 40"], "Other · 30 × 40"],
    [["up", "mlp", "", undefined], "up · MLP"],
    [[], "Other"],
  ] as const)("%j", (facts, expected) => expect(factsOf(...facts)).toBe(expected));
});
