/** The kernel's advice on the page: for the layer, for the model, and the plans to copy. */

import { act } from "preact/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Advice, formatEvidence } from "../../../js/src/panels/advice/Advice";
import { language, say } from "../../../js/src/text/messages";
import type { ModelAdvice, Plan } from "../../../js/src/wire/model";
import en from "../../../weightscope_widget/data/text/en.json";
import zh from "../../../weightscope_widget/data/text/zh.json";
import { Kernel, LAYERS } from "../kernel";
import { mount } from "../page";

const name = (row: number): string => LAYERS[row]?.name ?? "";
const code = (topic: "training" | "int8" | "compression", action: string): number => {
  const place = Object.keys(en.advice.layer[topic]).indexOf(action);
  return place < 0 ? Number.NaN : place;
};

/** What the kernel says of GPT-2's layers, those in trouble, and one still to come. */
const COLUMNS = {
  training: ["watch", "keep_fp32", "train_as_usual", "keep_fp32", "scan_again", "repair_weights", ""].map((action) =>
    code("training", action),
  ),
  int8: ["leave_as_is", "try_per_channel", "try_per_channel", "try_per_channel", "", "", ""].map((action) =>
    code("int8", action),
  ),
  compression: ["low_rank_unmeasured", "low_rank_unmeasured", "low_rank", "leave_rank", "", "", ""].map((action) =>
    code("compression", action),
  ),
  rank_90: [Number.NaN, Number.NaN, 2, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
  break_even_rank: [Number.NaN, Number.NaN, 614.4, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
  saved_percentage: [Number.NaN, Number.NaN, 99.67, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
};
const MODEL: ModelAdvice[] = [
  {
    topic: "training",
    action: "keep_fp32",
    message: "advice.model.training.keep_fp32",
    evidence: { keep_fp32: 2, lower_learning_rate: 0, total: 6 },
    layers: [name(3), name(1)],
  },
  {
    topic: "int8",
    action: "int8_per_channel",
    message: "advice.model.int8.int8_per_channel_all",
    evidence: { count: 0, total: 6 },
    layers: [],
  },
];
const PLAN: Plan = {
  said: [
    ["plans.planned", { quantized: 2, total: 4, minimum: 30 }],
    ["plans.sizes", { before: 90_870_000, after: 30_000_000 }],
  ],
  bitsandbytes: "load_in_8bit=True",
  llm_compressor: null,
};

const MEASURED = LAYERS.map((layer, row) =>
  row === 2 ? { ...layer, values: { ...layer.values, "spectral.stable_rank_percentage": 3.4533 } } : layer,
);
const open = async (selected: string | null = null, kernel = new Kernel(MEASURED)) => {
  kernel.advise(COLUMNS, MODEL);
  kernel.planFor = ({ key = "", energy = 0 }) =>
    key.endsWith("ranks")
      ? { said: [["plans.ranks", { targets: 3, energy: 100 * energy, maximum: 64 }]], peft: `r=${energy}` }
      : { ...PLAN, bitsandbytes: key.endsWith("int8_tensor") ? PLAN.bitsandbytes : null };
  kernel.set("selected", selected);
  vi.stubGlobal("IntersectionObserver", undefined); // everything is in view
  return mount(Advice, kernel);
};
/** Wait until what rests has been asked for. */
const rest = () => act(() => new Promise<void>((resolve) => setTimeout(resolve, 300)));
const actions = (root: HTMLElement, about: string) =>
  [...root.querySelectorAll<HTMLElement>(`[data-about=${about}] li`)].map(
    ({ dataset }) => `${dataset.topic}.${dataset.action}`,
  );

afterEach(() => {
  vi.unstubAllGlobals();
  language.value = "en";
});

describe("for a layer", () => {
  it("asks to choose one", async () => {
    const { texts } = await open();
    expect(texts("[data-about=layer] p")).toEqual([en.advice.panel.choose]);
  });

  it("says what to do, and shows the numbers that support it", async () => {
    const { root, texts } = await open(name(1));
    expect(actions(root, "layer")).toEqual([
      "training.keep_fp32",
      "int8.try_per_channel",
      "compression.low_rank_unmeasured",
    ]);
    expect(texts("[data-action=keep_fp32] dt + dd")[0]).toBe("103,100");
    expect(texts("[data-action=keep_fp32] p")[0]).toContain("very ill-conditioned (κ = 103,100)");
    expect(texts("[data-action=try_per_channel] .wsw-evidence > div")).toEqual([
      "INT8 per tensor25.8 dB",
      "extreme outliers12.9 %",
    ]);
    expect(texts("[data-about=layer] h4 span")).toEqual(["h0.attn.c_proj"]);
  });

  it("takes the ranks from the kernel, whatever spectra are here", async () => {
    const { texts } = await open(name(2));
    expect(texts("[data-action=low_rank] .wsw-evidence > div")).toEqual([
      "stable / full rank3.45 %",
      "rank of 90 % energy2",
      "break-even rank614",
    ]);
    expect(texts("[data-action=low_rank] > p")[0]).toContain("rank 2 keeps 90 % of its energy and saves 99.7 %");
  });

  it.each([
    [4, ["training.scan_again"]],
    [5, ["training.repair_weights"]],
    [6, []],
  ])("in trouble or still to come (%d) is not healthy", async (row, expected) => {
    expect(actions((await open(name(row))).root, "layer")).toEqual(expected);
  });

  it("speaks the language of the page, without asking again", async () => {
    const { texts, after, kernel } = await open(name(2));
    await rest();
    const asked = kernel.sent.length;
    await after(() => {
      language.value = "zh";
    });
    expect(texts("[data-action=low_rank] > p")[0]).toContain("秩 2 就能保留 90 % 的能量，节省 99.7 % 的权重");
    expect(texts("[data-about=plan] p")[0]).toContain("4 个矩阵中量化 2 个");
    await rest();
    expect(kernel.sent).toHaveLength(asked);
  });
});

describe("for the model", () => {
  it("is there without a selection, and names layers that a click selects", async () => {
    const { root, store, find, texts, after } = await open();
    expect(actions(root, "model")).toEqual(["training.keep_fp32", "int8.int8_per_channel"]);
    expect(texts("[data-about=model] [data-topic=int8] p")).toEqual([
      "INT8 One scale per channel is enough for all 6 layers.",
    ]);
    await after(() => find("[data-action=keep_fp32] button").click());
    expect(store.selected.value).toBe(3);
  });

  it("says nothing before the kernel does", async () => {
    const { texts } = await mount(Advice, new Kernel());
    expect(texts("[data-about=model] p")).toEqual([en.advice.panel.none_for_model]);
  });
});

describe("the plans", () => {
  it("are asked for, and copied as the kernel wrote them", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const { find, texts, after } = await open();
    expect(texts("[data-about=plan] [role=status]")).toEqual([say("plans.computing"), say("plans.computing")]);
    await rest();
    expect(texts("[data-about=plan] p").map((text) => text.trim())).toEqual([
      "2 of 4 matrices quantized: those that keep at least 30.0 dB, without embeddings, heads and routers. 90.9 MB → 30 MB.",
      "LoRA ranks of 3 layers: what keeps 90.0 % of their energy, at most 64. They say how to spread a budget, not what a fine-tune needs.",
    ]);
    for (const tool of ["bitsandbytes", "peft"]) {
      await after(() => find(`[data-tool=${tool}]`).click());
      expect(texts(".wsw-copies output")).toEqual([en.plans.copied]);
    }
    expect(writeText.mock.calls).toEqual([["load_in_8bit=True"], ["r=0.9"]]);
    expect(find<HTMLButtonElement>("[data-tool=llm_compressor]").disabled).toBe(true);
    expect(find("[data-tool=llm_compressor]").title).toBe(en.plans.lacks_llm_compressor);
  });

  it("follow the energy line, once it rests", async () => {
    const { store, kernel, texts, after } = await open();
    await rest();
    const before = kernel.sent.length;
    for (const energy of [0.5, 0.3, 0.13]) await after(() => store.setView({ energy }));
    await rest();
    expect(texts("[data-about=plan] p")[1]).toContain("what keeps 13.0 % of their energy");
    expect(kernel.sent.slice(before).map(({ key, energy }) => [key, energy])).toEqual([["0/ranks", 0.13]]);
  });

  it("follow the thresholds and the scheme of the page", async () => {
    const { store, kernel, after } = await open();
    await rest();
    const before = kernel.sent.length;
    await after(() => store.moveThreshold("sqnr_db", 1, 20));
    await rest();
    await after(() => store.setView({ scheme: "nf4_block64" }));
    await rest();
    const asked = kernel.sent.slice(before).filter(({ method }) => method === "plan");
    expect(asked.map(({ key, thresholds }) => [key, thresholds?.sqnr_db])).toEqual([
      ["0/int8_tensor", [40, 20]],
      ["0/nf4_block64", [40, 20]],
    ]);
  });

  it("say what went wrong", async () => {
    const kernel = new Kernel();
    kernel.prompt = false;
    const { texts, after } = await open(null, kernel);
    await rest();
    await after(() => {
      for (const request of kernel.sent) if (request.method === "plan") kernel.reply(request, "It broke.");
    });
    expect(texts("[data-about=plan] [role=status]")).toEqual(["It broke.", "It broke."]);
  });

  it("of a saved page are those that it was saved with, and say so", async () => {
    const kernel = new Kernel();
    kernel.set("_saved", true);
    kernel.change("_plans", { "0/int8_tensor": PLAN });
    const { texts } = await open(null, kernel);
    await rest();
    expect(kernel.sent.filter(({ method }) => method === "plan")).toEqual([]);
    expect(texts(".wsw-advice > .wsw-note")).toEqual([en.advice.panel.as_saved]);
    expect(texts("[data-about=plan] p")[0]).toContain("2 of 4 matrices quantized");
    expect(texts("[data-about=plan] [role=status]")).toEqual([en.plans.not_saved]);
  });

  it("are selected and copied where the clipboard is closed, and shown where that fails, too", async () => {
    vi.stubGlobal("navigator", {});
    let copied = "";
    document.execCommand = () => {
      copied = document.querySelector<HTMLTextAreaElement>("textarea")?.value ?? "";
      return true;
    };
    const { root, find, texts, after } = await open();
    await rest();
    await after(() => find("[data-tool=bitsandbytes]").click());
    expect(copied).toBe("load_in_8bit=True");
    expect(texts(".wsw-copies output")).toEqual([en.plans.copied]);
    expect(root.querySelector("textarea")).toBeNull();
    document.execCommand = () => false;
    await after(() => find("[data-tool=bitsandbytes]").click());
    expect(texts(".wsw-copies output")).toEqual([en.plans.not_copied]);
    expect(find<HTMLTextAreaElement>(".wsw-to-copy").value).toBe(copied);
  });

  it("never make markup of names", async () => {
    const hostile = "<img src=x onerror=alert(1)>";
    const kernel = new Kernel(
      LAYERS.map((layer, row) => (row === 1 ? { ...layer, name: hostile, label: hostile } : layer)),
    );
    const { root, after } = await open(hostile, kernel);
    await after(() => kernel.advise(COLUMNS, [{ ...(MODEL[0] as ModelAdvice), layers: [hostile] }]));
    expect(root.querySelectorAll("img")).toHaveLength(0);
    expect(root.querySelector("[data-about=model] button")?.textContent).toBe(hostile);
  });
});

it("the columns count messages in the same order in every language", () => {
  for (const topic of ["training", "int8", "compression"] as const)
    expect(Object.keys(zh.advice.layer[topic])).toEqual(Object.keys(en.advice.layer[topic]));
});

it.each([
  ["baseline.condition_number", 3571.6, "≈ 3,600"],
  ["baseline.sqnr_db", 38.66, "≈ 39 dB"],
  ["baseline.stable_rank_percentage", 25, "≈ 25 %"],
  ["schemes.int8_channel_sqnr_db", 41.234, "41.2 dB"],
  ["spectral.condition_number", Number.POSITIVE_INFINITY, "∞"],
  ["break_even_rank", 614.4, "614"],
])("%s of %d reads %s", (metric, value, written) => expect(formatEvidence(metric, value)).toBe(written));
