import { describe, expect, it } from "vitest";
import {
  formatCount,
  formatDecibel,
  formatNumber,
  formatParameters,
  formatPercentage,
  formatSeconds,
  formatTick,
  superscript,
} from "../../../js/src/domain/format";

describe("a number", () => {
  it.each([
    [0, "0"],
    [-0, "0"],
    [3844.2, "3,844"],
    [0.14359, "0.1436"],
    [0.5, "0.5000"],
    [-0.77251, "−0.7725"],
    [0.001, "0.001000"],
    [0.00099996, "1.000×10⁻³"],
    [1.6491e-5, "1.649×10⁻⁵"],
    [-2.5e-300, "−2.500×10⁻³⁰⁰"],
    [999999, "1,000,000"],
    [1e6, "1.000×10⁶"],
    [1.7976e308, "1.798×10³⁰⁸"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
    [Number.NaN, "—"],
  ])("%d is %s", (value, shown) => expect(formatNumber(value)).toBe(shown));
});

describe("a tick", () => {
  it.each([
    [0.5, "0.5"],
    [1200, "1,200"],
    [-0.05, "−0.05"],
    [2e-5, "2×10⁻⁵"],
    [3e9, "3×10⁹"],
    [0.1 + 0.2, "0.3"],
    [-0, "0"],
    [0.001, "0.001"],
    [0.0009, "9×10⁻⁴"],
    [999_999, "999,999"],
    [1e6, "1×10⁶"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NaN, "—"],
  ])("%d is %s", (value, shown) => expect(formatTick(value)).toBe(shown));
});

describe("a count", () => {
  it.each([
    [0, "0"],
    [432698, "432,698"],
    [-0, "0"],
    [-1234, "−1,234"],
    [8e9, "8,000,000,000"],
    [Number.NEGATIVE_INFINITY, "−∞"],
    [Number.NaN, "—"],
  ])("%d is %s", (value, shown) => expect(formatCount(value)).toBe(shown));
});

describe("a percentage", () => {
  it.each([
    [0, "0 %"],
    [-0, "0 %"],
    [5e-324, "< 0.001 %"],
    [0.0004, "< 0.001 %"],
    [0.0009999, "< 0.001 %"],
    [0.001, "0.001 %"],
    [0.033, "0.033 %"],
    [0.9994, "0.999 %"],
    [1, "1.00 %"],
    [1.304, "1.30 %"],
    [9.99, "9.99 %"],
    [10, "10.0 %"],
    [12.78, "12.8 %"],
    [100, "100.0 %"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NaN, "—"],
  ])("%d is %s", (value, shown) => expect(formatPercentage(value)).toBe(shown));
});

describe("a level", () => {
  it.each([
    [38.764, "38.8 dB"],
    [-0.04, "0.0 dB"],
    [-3.21, "−3.2 dB"],
    [0, "0.0 dB"],
    [-0, "0.0 dB"],
    [321.06, "321.1 dB"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NaN, "—"],
  ])("%d is %s", (value, shown) => expect(formatDecibel(value)).toBe(shown));
});

describe("parameters", () => {
  it.each([
    [0, "0"],
    [768, "768"],
    [999, "999"],
    [999.6, "1 K"],
    [147456, "147 K"],
    [22565376, "22.6 M"],
    [999_500_000, "1 B"],
    [6_738_415_616, "6.74 B"],
    [1e3, "1 K"],
    [999_499, "999 K"],
    [1.2e12, "1.2 T"],
    [4e15, "4,000 T"],
    [Number.NaN, "—"],
  ])("%d are %s", (value, shown) => expect(formatParameters(value)).toBe(shown));
});

describe("time left", () => {
  it.each([
    [0.2, "1 s"],
    [0, "1 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [61, "1 min"],
    [3560, "59 min"],
    [3599, "1 h 0 min"],
    [3600, "1 h 0 min"],
    [5400, "1 h 30 min"],
  ])("%d s is %s", (value, shown) => expect(formatSeconds(value)).toBe(shown));
});

it("writes exponents as superscripts", () => {
  expect([-120, 0, 3456789].map(superscript)).toEqual(["⁻¹²⁰", "⁰", "³⁴⁵⁶⁷⁸⁹"]);
});
