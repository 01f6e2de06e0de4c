/** Messages are rendered as `_shared/messages.py` renders them. */

import { beforeEach, describe, expect, it } from "vitest";
import { language, render, say, texts } from "../../../js/src/text/messages";
import en from "../../../weightscope_widget/data/text/en.json";
import zh from "../../../weightscope_widget/data/text/zh.json";

describe("a message", () => {
  beforeEach(() => {
    language.value = "en";
    texts.value = { en, zh };
  });

  it("has a plural, and grouped digits", () => {
    expect([0, 1, 2000].map((count) => say("layers", { count }))).toEqual(["0 layers", "1 layer", "2,000 layers"]);
  });

  it("follows the language", () => {
    language.value = "zh";
    expect(say("layers", { count: 1 })).toBe("1 层");
  });

  it("takes other messages in, formats numbers, and inserts text as it is", () => {
    texts.value = { en: { layers: en.layers, one: "{done:count} of {total:@layers}, {share:percentage}: {name}" } };
    expect(render("one", { done: 1, total: 2, share: 50, name: "{a:b}" })).toBe("1 of 2 layers, 50.0 %: {a:b}");
  });

  it("that does not exist reads as its key, those of every object included", () => {
    expect([render("constructor"), render("page.toString")]).toEqual(["constructor", "page.toString"]);
  });
});
