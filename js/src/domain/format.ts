/** Numbers for people: four digits at most, true minus signs, and a dash for what does not exist. */

import { format } from "d3-format";

export const MISSING = "—";

const grouped = format(",d");
const significant = format(",.4r");
const tick = format(",.6~r");

const minus = (text: string): string => text.replace(/-/g, "−");
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export function superscript(exponent: number): string {
  return String(exponent)
    .replace(/-/g, "⁻")
    .replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] as string);
}

/** 10ⁿ for a tick of a log axis. */
export function powerOfTen(exponent: number): string {
  return `10${superscript(exponent)}`;
}

function nonFinite(value: number): string | null {
  if (Number.isNaN(value)) return MISSING;
  return Number.isFinite(value) ? null : value > 0 ? "∞" : "−∞";
}

/** Any real number to four digits, so that columns line up: 3,844 · 0.1436 · 0.5000 · 1.649×10⁻⁵ · ∞. */
export function formatNumber(value: number): string {
  return inDigits(value, significant, (digits) => digits);
}

/** A round number as an axis shows it: 0.5 · 2×10⁻⁵. */
export function formatTick(value: number): string {
  return inDigits(value, tick, (digits) => String(Number(digits)));
}

function inDigits(value: number, plain: (value: number) => string, mantissa: (digits: string) => string): string {
  const special = nonFinite(value);
  if (special !== null) return special;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e-3 && size < 1e6) return minus(plain(value));
  const [digits = "", exponent = ""] = value.toExponential(3).split("e");
  return `${minus(mantissa(digits))}×10${superscript(Number(exponent))}`;
}

/** A number to two digits: 3,600 · 39. */
export const formatEstimate = (value: number): string => formatTick(Number(value.toPrecision(2)));

/** A whole number in full: 432,698. */
export function formatCount(value: number): string {
  return nonFinite(value) ?? minus(grouped(value));
}

/** A percentage, 0–100: 12.8 % · 1.30 % · 0.033 % · < 0.001 %. */
export function formatPercentage(value: number): string {
  const special = nonFinite(value);
  if (special !== null) return special;
  if (value === 0) return "0 %";
  if (Math.abs(value) < 0.001) return "< 0.001 %";
  const decimals = value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return `${value.toFixed(decimals)} %`;
}

export function formatDecibel(value: number): string {
  return nonFinite(value) ?? `${minus(value.toFixed(1).replace(/^-0\.0$/, "0.0"))} dB`;
}

/** A round number of parameters: 22.6 M. */
export const formatParameters = (value: number): string => inUnits(value, [" T", " B", " M", " K"], "");

/** A round number of bytes: 90.9 MB. */
export const formatBytes = (value: number): string => inUnits(value, [" TB", " GB", " MB", " kB"], " B");

function inUnits(value: number, units: [string, string, string, string], one: string): string {
  const special = nonFinite(value);
  if (special !== null) return special;
  const steps = units.map((unit, index): [number, string] => [10 ** (12 - 3 * index), unit]);
  // From 999.5 of one unit the rounded figure is one of the next.
  const [size, unit] = steps.find(([size]) => value >= 0.9995 * size) ?? [1, one];
  return `${format(",.3~r")(value / size)}${unit}`;
}

export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
