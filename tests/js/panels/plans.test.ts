/** Plans and the texts they are copied as, by cases that Python shares (`tests/python/recommendations/test_plans_parity.py`). */

import { describe, expect, it } from "vitest";
import { quote } from "../../../js/src/panels/advice/code";
import { loraRanks, quantizationPlan, type Scheme } from "../../../js/src/panels/advice/plans";
import { modelOf, read, type SharedCase } from "../shared";

interface QuantizationCase extends SharedCase {
  scheme: Scheme;
  minimum_sqnr_db?: number;
  keep?: string[];
  expected: {
    minimum_sqnr_db: number;
    reasons: Record<string, string>;
    quantized: string[];
    bytes_before: number | null;
    bytes_after: number | null;
    mean_sqnr_db: number | string;
    bitsandbytes: string[] | null;
    llm_compressor: string[] | null;
  };
}

interface LoraCase extends SharedCase {
  energy: number;
  maximum: number | null;
  expected: { ranks: Record<string, number>; targets: string[]; left_out: string[]; peft: string[] };
}

const cases: { quantization: QuantizationCase[]; lora: LoraCase[] } = read("plan_cases.json");

const planOf = (one: QuantizationCase, scheme = one.scheme) => {
  const { catalog, table, thresholds } = modelOf(one);
  return quantizationPlan(catalog, table, thresholds, scheme, one.minimum_sqnr_db, one.keep);
};

describe("quantization", () => {
  it.each(cases.quantization)("of $title", (one) => {
    const { expected } = one;
    const plan = planOf(one);
    expect(plan).not.toBeNull();
    if (!plan) return;
    expect(plan.minimum).toBe(expected.minimum_sqnr_db);
    expect([...plan.reasons]).toEqual(Object.entries(expected.reasons));
    expect(plan.quantized).toEqual(expected.quantized);
    expect([plan.bytesBefore, plan.bytesAfter]).toEqual([expected.bytes_before, expected.bytes_after]);
    if (Number.isNaN(Number(expected.mean_sqnr_db))) expect(plan.meanSqnr).toBeNaN();
    else expect(plan.meanSqnr).toBeCloseTo(Number(expected.mean_sqnr_db), 10);
    expect(plan.bitsandbytes?.split("\n") ?? null).toEqual(expected.bitsandbytes);
    expect(plan.llmCompressor?.split("\n") ?? null).toEqual(expected.llm_compressor);
  });

  it("needs the scheme's figures", () => {
    expect(planOf(cases.quantization[0] as QuantizationCase, "fp8_e4m3")).toBeNull();
  });

  it("keeps a stack of which one matrix was asked for", () => {
    const one = cases.quantization[1] as QuantizationCase;
    const plan = planOf({ ...one, keep: ["model.layers.1.mlp.experts.down_proj[1]"] });
    expect(plan?.reasons.get("model.layers.1.mlp.experts.down_proj")).toBe("requested");
  });
});

describe("ranks", () => {
  it.each(cases.lora)("of $title", (one) => {
    const { catalog, spectrumOf } = modelOf(one);
    const found = loraRanks(catalog, spectrumOf, one.energy, one.maximum ?? undefined);
    expect([...found.ranks]).toEqual(Object.entries(one.expected.ranks));
    expect(found.targets).toEqual(one.expected.targets);
    expect(found.leftOut).toEqual(one.expected.left_out);
    expect(found.peft?.split("\n")).toEqual(one.expected.peft);
  });

  it("without spectra are none", () => {
    const { catalog } = modelOf(cases.lora[0] as LoraCase);
    expect(loraRanks(catalog, () => null, 0.9).peft).toBeNull();
  });
});

it.each([
  ["plain", '"plain"'],
  ['"\\', '"\\"\\\\"'],
  ["\n\u007f", '"\\u000a\\u007f"'],
  ["权🧠\ud800", '"\\u6743\\U0001f9e0\\ud800"'],
])("%j is quoted as %s", (text, quoted) => expect(quote(text)).toBe(quoted));
