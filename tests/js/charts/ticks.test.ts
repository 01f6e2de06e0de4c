/** What holds of the ticks of every axis, whatever its domain. */

import { scaleSymlog } from "d3-scale";
import { describe, expect, it } from "vitest";
import { logTicks, symlogPercentTicks, type Tick } from "../../../js/src/charts/ticks";

/** The number that a label writes. */
function read(label: string): number {
  const plain = label
    .replace(/,/g, "")
    .replace(/−/g, "-")
    .replace(/10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/, (_, power: string) => {
      const digits = power.replace(/⁻/g, "-").replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (digit) => String("⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(digit)));
      return `1e${digits}`;
    });
  const [digits, power] = plain.split("×");
  return Number(digits) * (power === undefined ? 1 : Number(power));
}

function expectSound(ticks: Tick[], [low, high]: [number, number]): void {
  const values = ticks.map(({ value }) => value);
  expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
  for (const { value, label } of ticks) {
    expect(value).toBeGreaterThanOrEqual(low * (1 - 1e-9));
    expect(value).toBeLessThanOrEqual(high * (1 + 1e-9));
    expect(Math.abs(read(label) - value)).toBeLessThanOrEqual(1e-9 * value);
  }
}

// A spectrum is drawn with room of 1.3 above and below, so that no axis is narrower than 1.69.
const spans = [1.69, 2, 3.7, 10, 30, 1e3, 1e7, 1e20, 1e200];
const lows = [1e-100, 3e-9, 4.2e-4, 0.07, 0.5, 1, 1.3, 9.99, 640, 1e5, 7e9];

describe("a log axis", () => {
  it.each(lows)("from %d has ticks inside it, ascending, labelled with their own values", (low) => {
    for (const span of spans)
      for (const count of [2, 5, 9]) {
        const ticks = logTicks([low, low * span], count);
        expectSound(ticks, [low, low * span]);
        if (count > 2) expect(ticks.length).toBeGreaterThanOrEqual(2);
      }
  });

  it.each([2, 3, 6, 9])("of many decades has at most %d ticks, equally far apart", (count) => {
    for (const decades of [9, 12, 40, 300]) {
      const ticks = logTicks([1e-150, 10 ** (decades - 150)], count);
      expect(ticks.length).toBeLessThanOrEqual(count);
      const steps = ticks
        .slice(1)
        .map(({ value }, index) => Math.round(Math.log10(value / (ticks[index]?.value ?? 0))));
      expect(new Set(steps).size).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    [
      [1, 10],
      ["1", "10"],
    ], // one decade, both ends included
    [
      [0.01, 0.1],
      ["0.01", "0.1"],
    ],
    [
      [1e4, 1e5],
      ["10⁴", "10⁵"],
    ],
    [
      [1e-4, 1e-3],
      ["10⁻⁴", "10⁻³"],
    ],
    [
      [0.001, 0.005],
      ["0.001", "0.002", "0.005"],
    ],
    [[5, 5], ["5"]], // of no width
    [[0.003, 0.003], ["0.003"]],
    [[7, 7], ["7"]],
  ] as [[number, number], string[]][])("over %j reads %j", (domain, labels) => {
    expect(logTicks(domain, 9).map(({ label }) => label)).toEqual(labels);
  });
});

describe("a percentage axis", () => {
  const GAP = 34;

  it.each([1.6, 3, 17.4, 110])("up to %d % keeps its ticks apart at any width", (high) => {
    for (const width of [120, 300, 536, 2000]) {
      const position = scaleSymlog().constant(0.01).domain([0, high]).range([0, width]);
      const ticks = symlogPercentTicks([0, high], position, GAP);
      expectSound(ticks, [0, high]);
      expect(ticks[0]).toEqual({ value: 0, label: "0" });
      const places = ticks.map(({ value }) => position(value));
      for (let at = 1; at < places.length; at++)
        expect((places[at] as number) - (places[at - 1] as number)).toBeGreaterThanOrEqual(GAP);
    }
  });

  it("zoomed in shows what is in view", () => {
    const position = scaleSymlog().constant(0.01).domain([0.9, 12]).range([0, 600]);
    const ticks = symlogPercentTicks([0.9, 12], position, GAP);
    expect(ticks.map(({ label }) => label)).toEqual(["1", "2", "5", "10"]);
  });
});
