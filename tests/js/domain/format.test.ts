/** Numbers read the same on the page and in Python: both are held to `tests/fixtures/format_cases.json`. */

import { describe, expect, it } from "vitest";
import * as formats from "../../../js/src/domain/format";
import cases from "../../fixtures/format_cases.json";

const FORMATS: Record<keyof typeof cases, (value: number) => string> = {
  number: formats.formatNumber,
  tick: formats.formatTick,
  count: formats.formatCount,
  percentage: formats.formatPercentage,
  decibel: formats.formatDecibel,
  score: formats.formatScore,
  estimate: formats.formatEstimate,
  parameters: formats.formatParameters,
  bytes: formats.formatBytes,
  seconds: formats.formatSeconds,
};

const numberOf = (value: number | string): number =>
  Number(String(value).replace("inf", "Infinity").replace("nan", "NaN"));

for (const [style, format] of Object.entries(FORMATS))
  describe(style, () => {
    it.each(cases[style as keyof typeof cases] as [number | string, string][])("%s is %s", (value, text) =>
      expect(format(numberOf(value))).toBe(text),
    );
  });

describe("a power of ten", () => {
  it("has its exponent raised", () => expect(formats.powerOfTen(-12)).toBe("10⁻¹²"));
});
