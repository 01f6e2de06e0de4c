/** What a truncation keeps, against spectra whose squares are summed by hand. */

import { describe, expect, it } from "vitest";
import { cumulativeEnergy, factorParameters, keptBy, rankFor, truncationError } from "../../../js/src/domain/energy";
import { read, spectrumOf } from "../shared";

const of = (...values: number[]): Float64Array => new Float64Array(values);

// 3² + 1² + 0.5² = 9 + 1 + 0.25 = 10.25: the first keeps 9/10.25 = 36/41, the first two 10/10.25 = 40/41.
const SPECTRUM = of(3, 1, 0.5);
const HUGE = of(3e300, 1e300, 0.5e300); // their squares are beyond the range of numbers,
const TINY = of(3e-300, 1e-300, 0.5e-300); // and these beneath it

describe.each([
  ["ordinary", SPECTRUM],
  ["huge", HUGE],
  ["tiny", TINY],
])("%s values", (_, spectrum) => {
  it("keep 36/41, 40/41 and all of their energy", () => {
    expect([0, 1, 2, 3].map((rank) => keptBy(spectrum, rank))).toEqual([
      0,
      expect.closeTo(36 / 41, 14),
      expect.closeTo(40 / 41, 14),
      1,
    ]);
  });

  it("leave out the root of 5/41, of 1/41, and nothing", () => {
    expect([0, 1, 2, 3].map((rank) => truncationError(spectrum, rank))).toEqual([
      1,
      expect.closeTo(Math.sqrt(5 / 41), 14),
      expect.closeTo(Math.sqrt(1 / 41), 14),
      0,
    ]);
  });

  it.each([
    [0, 1], // never none
    [0.5, 1],
    [36 / 41, 1], // just what the first keeps
    [0.88, 2], // 36/41 = 0.878…
    [0.9, 2],
    [40 / 41, 2],
    [0.976, 3], // 40/41 = 0.9756…
    [0.99, 3],
    [1, 3],
  ])("need for a share of %f rank %i", (energy, rank) => {
    expect(rankFor(spectrum, energy)).toBe(rank);
  });
});

describe("ranks beyond the spectrum", () => {
  it("keep all and leave nothing out", () => {
    expect([keptBy(SPECTRUM, 4), keptBy(SPECTRUM, 1e9)]).toEqual([1, 1]);
    expect([truncationError(SPECTRUM, 4), truncationError(SPECTRUM, 1e9)]).toEqual([0, 0]);
  });

  it("are not asked for, whatever share is", () => {
    expect([rankFor(SPECTRUM, 1.5), rankFor(SPECTRUM, Number.POSITIVE_INFINITY)]).toEqual([3, 3]);
  });
});

describe.each([
  ["zeros", of(0, 0, 0)],
  ["no values at all", of()],
  ["values that do not exist", of(Number.NaN, Number.NaN)],
])("%s", (_, spectrum) => {
  it("have rank 1, and nothing that could be kept or left out", () => {
    expect([rankFor(spectrum, 0.9), rankFor(spectrum, 1)]).toEqual([1, 1]);
    expect([keptBy(spectrum, 1), truncationError(spectrum, 1)]).toEqual([Number.NaN, Number.NaN]);
  });
});

it("zeros at the end are not needed to keep all", () => {
  const spectrum = of(4, 3, 0, 0); // 16 + 9 = 25
  expect([0.64, 0.641, 1].map((energy) => rankFor(spectrum, energy))).toEqual([1, 2, 2]);
  expect(keptBy(spectrum, 1)).toBe(16 / 25);
  expect(truncationError(spectrum, 1)).toBeCloseTo(3 / 5, 15);
});

it("a single value is everything", () => {
  const spectrum = of(7);
  expect([rankFor(spectrum, 0), rankFor(spectrum, 1), keptBy(spectrum, 1), truncationError(spectrum, 1)]).toEqual([
    1, 1, 1, 0,
  ]);
});

it("equal values count one by one", () => {
  const spectrum = new Float64Array(1000).fill(0.1); // each holds a thousandth; rounding must not add another
  expect([0.001, 0.25, 0.5, 0.9, 0.999, 1].map((energy) => rankFor(spectrum, energy))).toEqual([
    1, 250, 500, 900, 999, 1000,
  ]);
  expect(keptBy(spectrum, 250)).toBeCloseTo(0.25, 12);
  expect(truncationError(spectrum, 750)).toBeCloseTo(0.5, 12);
});

interface EnergyCase {
  title: string;
  spectrum: Parameters<typeof spectrumOf>[0];
  energy: number;
  rank: number;
}

it("the last bits of a sum do not ask for another", () => {
  const spectrum = new Float64Array(100).fill(1);
  expect(0.07 * 100).toBeGreaterThan(7); // in floating point
  expect([0.07, 0.14, 0.28, 0.29, 0.57].map((energy) => rankFor(spectrum, energy))).toEqual([7, 14, 28, 29, 57]);
});

// Python gives the same ranks (`tests/python/comparison/test_comparison_pairs.py`).
it.each(read("energy_cases.json") as EnergyCase[])("$title", ({ spectrum, energy, rank }) => {
  expect(rankFor(spectrumOf(spectrum), energy)).toBe(rank);
});

it("a small error keeps its digits", () => {
  // 1 − kept would be 1 − (1 − 1e-20) = 0; the rest by itself is 1e-10.
  expect(truncationError(of(1, 1e-10), 1)).toBeCloseTo(1e-10, 20);
  expect(truncationError(of(1, 3e-12, 4e-12), 1) / 5e-12).toBeCloseTo(1, 12);
});

it("two factors hold a row and a column for each rank", () => {
  expect(factorParameters(768, 3072, 10)).toBe(38_400); // 768 · 10 + 10 · 3072
  expect(factorParameters(1, 1, 1)).toBe(2);
  expect(factorParameters(50_257, 768, 0)).toBe(0);
});

it("adds up to all of it, rank by rank", () => {
  expect([...cumulativeEnergy(Float64Array.of(4, 3))]).toEqual([16 / 25, 1]);
  expect([...cumulativeEnergy(Float64Array.of(0, 0))]).toEqual([Number.NaN, Number.NaN]);
  // Neither huge nor tiny values leave the range of numbers.
  expect([...cumulativeEnergy(Float64Array.of(1e300, 1e300))]).toEqual([0.5, 1]);
});
