/** What to do about layers and models, by cases that Python shares (`tests/python/recommendations/test_advice.py`). */

import { describe, expect, it } from "vitest";
import { type Advice, layerAdvice, modelAdvice } from "../../../js/src/panels/advice/decide";
import { modelOf, read, type SharedCase, type SharedLayer } from "../shared";

interface Case extends SharedCase {
  layers: (SharedLayer & { advice: [string, string][]; rank?: [number, number] })[];
  model: Advice[];
}

const { models }: { models: Case[] } = read("advice_cases.json");

describe.each(models)("$title", (one) => {
  const { catalog, table, thresholds, spectrumOf } = modelOf(one);

  it.each(one.layers.map((layer, row) => ({ ...layer, row })))("$name", ({ row, advice, rank, values = {} }) => {
    const found = layerAdvice(catalog, table, thresholds, row, spectrumOf);
    expect(found.map(({ topic, action }) => [topic, action])).toEqual(advice);
    if (rank) expect([found[2]?.evidence.rank_90, found[2]?.evidence.break_even_rank]).toEqual(rank);
    for (const { evidence } of found) {
      for (const [metric, value] of Object.entries(evidence)) {
        if (metric in values) expect(value).toBe(Number(values[metric]));
      }
    }
  });

  it("as a whole", () => {
    const found = modelAdvice(catalog, table, thresholds, spectrumOf);
    const plain = ({ topic, action, layers }: Advice) => ({ topic, action, layers });
    expect(found.map(plain)).toEqual(one.model.map(plain));
    found.forEach(({ evidence }, index) => {
      const expected = one.model[index]?.evidence ?? {};
      expect(Object.keys(evidence).sort()).toEqual(Object.keys(expected).sort());
      for (const [name, value] of Object.entries(expected)) expect(evidence[name]).toBeCloseTo(value, 4);
    });
  });
});

it("a layer that is still to come has no advice", () => {
  const { catalog, table, thresholds, spectrumOf } = modelOf(models[0] as Case);
  expect(layerAdvice(catalog, table, thresholds, 99, spectrumOf)).toEqual([]);
});
