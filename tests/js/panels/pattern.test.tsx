/** The sentence of a pattern, by cases that Python shares (`tests/python/comparison/test_comparison_pattern.py`). */

import { describe, expect, it } from "vitest";
import { DIFF } from "../../../js/src/page/diffBoard";
import { Pattern } from "../../../js/src/panels/diff/Pattern";
import { language } from "../../../js/src/text";
import { EN, ZH } from "../../../js/src/text/diff/pattern";
import { Kernel } from "../kernel";
import { mount } from "../page";
import { read } from "../shared";

interface PatternCase {
  title: string;
  name: string;
  evidence: Record<string, number>;
  sentence: string;
}

const cases: PatternCase[] = read("pattern_cases.json");
const HINTS = { en: " A rule of thumb.", zh: " 此为经验判断。" };

async function said(pattern: PatternCase | null, state = "done"): Promise<string> {
  const made = new Kernel([{ name: "a", values: {} }], { state: state as "done", done: 1, total: 2 });
  made.change("_table", { ...made.get("_table"), pattern });
  const page = await mount(Pattern, made, DIFF);
  return page.texts(".wsw-pattern")[0] as string;
}

describe("a pattern", () => {
  it.each(cases)("of $title", async (one) => {
    expect(await said(one)).toBe(one.sentence + HINTS.en);
  });

  it.each(cases)("says the same in Chinese: $title", async (one) => {
    language.value = "zh";
    const words = await said(one);
    language.value = "en";
    expect(words).toMatch(/[\u4e00-\u9fff]/);
    expect(words).not.toMatch(/undefined|NaN(?! 或)|—/);
    const numbers = (text: string) =>
      text.match(/[\d.,×⁻⁰-⁹]*\d[\d.,×⁻⁰-⁹]*/g)?.map((each) => each.replace(/[.,]$/, ""));
    expect(numbers(words.replace(HINTS.zh, ""))?.sort()).toEqual(numbers(one.sentence)?.sort());
    // As many asides.
    expect(words.split("。").length).toBe(`${one.sentence} A rule.`.split(/\.(?: |$)/).length);
  });

  it("of every name has words in both languages", () => {
    const names = [...new Set(cases.map(({ name }) => name))];
    expect(Object.keys(EN.heads).sort()).toEqual(names.sort());
    expect(Object.keys(ZH.heads).sort()).toEqual(names.sort());
  });

  it("is not told of a part of the models", async () => {
    expect(await said(null, "running")).toContain("once every tensor is compared");
    for (const state of ["cancelled", "failed", "done"])
      expect(await said(null, state)).toContain("cannot be said: not every tensor was compared");
  });
});
