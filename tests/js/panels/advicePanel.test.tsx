/** The advice on the page: for the layer, for the model, and the plans to copy. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { Advice, formatEvidence } from "../../../js/src/panels/advice/Advice";
import { adviceText as text } from "../../../js/src/panels/advice/text";
import { en } from "../../../js/src/text/advice/en";
import { zh } from "../../../js/src/text/advice/zh";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { mount } from "../page";
import { read } from "../shared";

const name = (row: number): string => LAYERS[row]?.name ?? "";
const SPECTRA = new Map([
  ["transformer.h.0.mlp.c_fc", [3, 1, 0.5]],
  ["transformer.h.9.attn.c_proj", [1, 1, 1]],
]);
const open = async (selected: string | null = null, layers = LAYERS, spectra: typeof SPECTRA = SPECTRA) => {
  const withSpectra = ({ spectrum: _, ...layer }: Layer): Layer => {
    const spectrum = spectra.get(layer.name);
    return spectrum ? { ...layer, spectrum } : layer;
  };
  const kernel = new Kernel(layers.map(withSpectra));
  kernel.set("selected", selected);
  return mount(Advice, kernel);
};
const actions = (root: HTMLElement, about: string) =>
  [...root.querySelectorAll<HTMLElement>(`[data-about=${about}] li`)].map(
    ({ dataset }) => `${dataset.topic}.${dataset.action}`,
  );

/** GPT-2's layers with the figures of a scheme. */
const MEASURED: Layer[] = LAYERS.slice(0, 4).map((layer, row) => ({
  ...layer,
  values: {
    ...layer.values,
    "basic_stats.std": 1,
    "schemes.int8_channel_sqnr_db": [41, 29, 38, 40][row] as number,
    "schemes.nf4_block64_sqnr_db": 20,
    "schemes.fp8_e4m3_sqnr_db": 31,
  },
}));

afterEach(() => vi.unstubAllGlobals());

describe("for a layer", () => {
  it("asks to choose one", async () => {
    const { texts } = await open();
    expect(texts("[data-about=layer] p")).toEqual([text.choose]);
  });

  it("says what to do, and shows the numbers it rests on", async () => {
    const { root, texts } = await open(name(1));
    expect(actions(root, "layer")).toEqual(["training.keep_fp32", "int8.try_per_channel", "compression.low_rank"]);
    expect(texts("[data-action=keep_fp32] dt + dd")[0]).toBe("103,100");
    expect(texts("[data-action=try_per_channel] .wsw-evidence > div")).toEqual([
      "INT8 per tensor25.8 dB",
      "extreme outliers12.9 %",
    ]);
    expect(texts("[data-about=layer] h4 span")).toEqual(["h0.attn.c_proj"]);
  });

  it("rests on the spectrum where it is here", async () => {
    const { texts } = await open(name(2));
    // 9 of 10.25 is less than 90 %, with 1 more it is enough; two factors pay below 768·3072/(768 + 3072).
    expect(texts("[data-action=low_rank] .wsw-evidence > div")).toEqual([
      "stable / total rank3.45 %",
      "rank of 90 % energy2",
      "worth it below rank614",
    ]);
    expect(texts("[data-about=layer] [data-action=low_rank] > p")[0]).toContain("rank 2 holds 90 %");
  });

  it.each([
    [4, "training.scan_again"],
    [5, "training.repair_weights"],
  ])("in trouble (%d) is not healthy", async (row, action) => {
    expect(actions((await open(name(row))).root, "layer")).toEqual([action]);
  });

  it("that is still to come says nothing yet", async () => {
    expect((await open(name(6))).texts("[data-about=layer] p")).toEqual([text.nothingYet]);
  });

  it("follows thresholds that move", async () => {
    const { kernel, root, after } = await open(name(1));
    await after(() => kernel.change("thresholds", { ...kernel.get("thresholds"), condition_number: [1, 2, 1e6] }));
    expect(actions(root, "layer")[0]).toBe("training.lower_learning_rate");
  });
});

describe("for the model", () => {
  it("is there without a selection, and names layers that a click selects", async () => {
    const { root, store, find, after } = await open();
    expect(actions(root, "model")).toEqual([
      "training.repair_weights",
      "training.scan_again",
      "training.keep_fp32",
      "training.start_with",
      "int8.try_per_channel",
      "compression.low_rank",
    ]);
    await after(() => find("[data-action=keep_fp32] button").click());
    expect(store.selected.value).toBe(3); // κ of h.9.attn.c_proj is the largest
  });

  it("of no layers says nothing", async () => {
    expect((await open(null, [])).texts("[data-about=model] p")).toEqual([text.modelNothingYet]);
  });
});

describe("the plans", () => {
  it("are copied as they are", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const { find, texts, after } = await open(null, MEASURED);
    for (const tool of ["bitsandbytes", "llmCompressor", "peft"]) {
      await after(() => find(`[data-tool=${tool}]`).click());
      expect(texts(".wsw-copies output")).toEqual([text.copied]);
    }
    const [bitsandbytes, recipe, peft] = writeText.mock.calls.map(([copied]) => copied);
    expect(bitsandbytes).toContain(
      '    "transformer.wpe",\n        "lm_head",\n        "transformer.h.0.attn.c_proj",\n    ],',
    );
    expect(recipe).toContain("strategy: channel");
    expect(peft).toContain('"transformer\\\\.h\\\\.0\\\\.mlp\\\\.c_fc": 2,');
    expect(texts("[data-about=plan] p")[0]).toContain("2 of 4 matrices quantized: those that keep at least 30.0 dB");
  });

  it("are of the scheme that is chosen, and say which tool lacks it", async () => {
    const { find, after } = await open(null, MEASURED);
    const choose = (scheme: string) =>
      after(() => {
        const select = find<HTMLSelectElement>("select");
        select.value = scheme;
        select.dispatchEvent(new Event("change", { bubbles: true }));
      });
    const disabled = (tool: string) => find<HTMLButtonElement>(`[data-tool=${tool}]`).disabled;
    await choose("nf4_block64");
    expect([disabled("bitsandbytes"), disabled("llmCompressor")]).toEqual([false, true]);
    expect(find("[data-tool=llmCompressor]").title).toBe("llm-compressor does not have this scheme.");
    await choose("fp8_e4m3");
    expect([disabled("bitsandbytes"), disabled("llmCompressor")]).toEqual([true, false]);
  });

  it("are selected and copied where the clipboard is closed, and shown where that fails, too", async () => {
    vi.stubGlobal("navigator", {});
    let copied = "";
    document.execCommand = () => {
      copied = document.querySelector<HTMLTextAreaElement>("textarea")?.value ?? "";
      return true;
    };
    const { root, find, texts, after } = await open(null, MEASURED);
    await after(() => find("[data-tool=bitsandbytes]").click());
    expect(copied).toContain("load_in_8bit=True");
    expect(texts(".wsw-copies output")).toEqual([text.copied]);
    expect(root.querySelector("textarea")).toBeNull();
    document.execCommand = () => false;
    await after(() => find("[data-tool=bitsandbytes]").click());
    expect(texts(".wsw-copies output")).toEqual([text.notCopied]);
    expect(find<HTMLTextAreaElement>(".wsw-to-copy").value).toBe(copied);
  });

  it("say what is missing", async () => {
    const { texts, find } = await open(null, [], new Map());
    expect(texts("[data-about=plan] p")).toEqual([text.noSchemes, text.noSpectra]);
    for (const tool of ["bitsandbytes", "llmCompressor", "peft"]) {
      expect(find<HTMLButtonElement>(`[data-tool=${tool}]`).disabled).toBe(true);
    }
  });

  it("never make markup of names", async () => {
    const hostile = "<img src=x onerror=alert(1)>";
    const { root } = await open(
      hostile,
      MEASURED.map((layer, row) => (row === 1 ? { ...layer, name: hostile, label: hostile } : layer)),
    );
    expect(root.querySelectorAll("img")).toHaveLength(0);
    expect(root.textContent).toContain(hostile);
  });
});

describe("texts", () => {
  const said = new Set<string>();
  for (const { layers, model } of read("advice_cases.json").models) {
    for (const { advice } of layers) for (const [topic, action] of advice) said.add(`layer ${topic}.${action}`);
    for (const { topic, action } of model) said.add(`whole ${topic}.${action}`);
  }
  const EVIDENCE = {
    ...{ count: 41, total: 42, keep_fp32: 43, lower_learning_rate: 44, like_random: 45, risk_percentage: 46 },
    ...{ saved_percentage: 47, rank_90: 48, break_even_rank: 96 },
  };

  it.each(Object.entries({ en, zh }))("of %s are there for every advice", (_, catalogue) => {
    for (const key of said) {
      const [part, action] = key.split(" ") as ["layer" | "whole", string];
      const sentence = catalogue[part][action]?.(EVIDENCE);
      expect(sentence, key).toMatch(/[.。]$/);
      expect(sentence, key).not.toMatch(/undefined|\[object|—/);
    }
  });

  it.each([
    [en.whole["int8.int8_per_channel"], { count: 0, total: 37 }, "A scale per channel is fine for all 37 layers."],
    [
      en.whole["int8.int8_per_channel"],
      { count: 2, total: 37 },
      "A scale per channel is fine for all but 2 of 37 layers.",
    ],
    [zh.whole["int8.int8_per_tensor"], { count: 0, total: 37 }, "全部 37 层用 per-tensor 量化就够了。"],
    [
      zh.whole["training.start_with"],
      { risk_percentage: 55, total: 39 },
      "先看这三层：在有风险的 39 层中，55.0 % 的风险集中在它们身上。",
    ],
  ])("count %#", (sentence, evidence, expected) => expect(sentence?.(evidence as never)).toBe(expected));

  it("have the same keys in both languages", () => {
    const keys = (of: object, path = ""): string[] =>
      Object.entries(of).flatMap(([key, value]) =>
        typeof value === "object" ? keys(value, `${path}${key}/`) : [`${path}${key}`],
      );
    expect(keys(zh)).toEqual(keys(en));
  });
});

it.each([
  ["baseline.condition_number", 3571.6, "≈ 3,600"],
  ["baseline.sqnr_db", 38.66, "≈ 39 dB"],
  ["baseline.stable_rank_percentage", 25, "≈ 25 %"],
  ["schemes.int8_channel_sqnr_db", 41.234, "41.2 dB"],
  ["spectral.condition_number", Number.POSITIVE_INFINITY, "∞"],
  ["break_even_rank", 614.4, "614"],
])("%s of %d reads %s", (metric, value, written) => expect(formatEvidence(metric, value)).toBe(written));
