/** What a number is coloured. */

import { describe, expect, it } from "vitest";
import { colouring } from "../../../js/src/charts/colour";
import { PALETTES } from "../../../js/src/theme/palette";
import { THRESHOLDS } from "../shared";

const RAMP = PALETTES.light.ramp;
const { levels } = PALETTES.light;
const [FIRST, LAST] = [RAMP[0], RAMP[RAMP.length - 1]];
const [NONE, INFINITE] = [Number.NaN, Number.POSITIVE_INFINITY];

const coloured = (metric: string, ...values: number[]) => {
  const { colour, ramp } = colouring(metric, new Float64Array(values), THRESHOLDS, "light");
  return { colours: values.map(colour), ramp };
};

it("a metric with classes has their colours, and no ramp", () => {
  const { colours, ramp } = coloured("condition_number", 10, 5000, 50_000, INFINITE, NONE);
  expect(colours).toEqual([levels.green, levels.yellow, levels.orange, levels.red, null]);
  expect(ramp).toBeNull();
});

describe("any other metric is coloured along the ramp", () => {
  it("in equal steps of a linear one, from its least to its most", () => {
    const steps = RAMP.map((_, index) => index - 3);
    const { colours, ramp } = coloured("basic_stats.mean", ...steps);
    expect(colours).toEqual([...RAMP]);
    expect(ramp).toMatchObject({ low: -3, high: RAMP.length - 4 });
  });

  it("in equal factors of a logarithmic one", () => {
    const { colours } = coloured("basic_stats.std", ...RAMP.map((_, index) => 10 ** index));
    expect(colours).toEqual([...RAMP]);
  });

  it("with what is infinite at the end, and nothing where there is no value", () => {
    expect(coloured("basic_stats.mean", 0, 1, INFINITE, -INFINITE, NONE).colours).toEqual([
      ...[FIRST, LAST, LAST, FIRST],
      null,
    ]);
  });

  it("in its middle where all are alike, and not at all where there are none", () => {
    expect(coloured("basic_stats.mean", 2, 2).colours[0]).toBe(RAMP[Math.round((RAMP.length - 1) / 2)]);
    expect(coloured("basic_stats.mean", NONE)).toEqual({ colours: [null], ramp: null });
  });

  it("where one of a logarithmic metric is zero, as the least singular value of a layer may be", () => {
    const { colours, ramp } = coloured("spectral.min_singular_value", 0, 1e-3, 10);
    // What is not zero is told from it: a layer that changed least from one that did not.
    expect(colours).toEqual([FIRST, RAMP[6], LAST]);
    expect(ramp).toEqual({ low: 1e-3, high: 10, colours: RAMP.slice(6), zero: FIRST });
    expect(coloured("spectral.min_singular_value", 1e-3, 10).ramp?.zero).toBeNull();
    expect(coloured("spectral.min_singular_value", 0, 0).ramp).toBeNull();
    expect(coloured("risk", 0, 90, INFINITE).colours).toEqual([FIRST, LAST, LAST]);
  });
});
