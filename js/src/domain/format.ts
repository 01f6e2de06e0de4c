/** Numbers for people: few digits, true minus signs, a dash for what does not exist; `_shared/formats.py` writes the same. */

export const MISSING = "—";

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

const superscript = (exponent: number): string =>
  String(exponent)
    .replace("-", "⁻")
    .replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] as string);

/** 10ⁿ for a tick of a log axis. */
export const powerOfTen = (exponent: number): string => `10${superscript(exponent)}`;

/** The text of a value that has no digits; null for all others. */
function special(value: number): string | null {
  if (Number.isNaN(value)) return MISSING;
  if (value === 0) return "0";
  return Number.isFinite(value) ? null : value > 0 ? "∞" : "−∞";
}

/** A number with this many decimals; halves are rounded away from zero. */
function fixed(value: number, decimals: number): string {
  const [whole = "", fraction] = Math.abs(value).toFixed(decimals).split(".");
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction === undefined ? "" : `.${fraction}`);
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** A number rounded to this many digits, and the power of ten of the first. */
function rounded(value: number, digits: number): { text: string; mantissa: string; size: number } {
  const text = value.toExponential(digits - 1);
  const [mantissa = "", size] = text.split("e");
  return { text, mantissa: mantissa.replace("-", "−"), size: Number(size) };
}

const trimmed = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

function significant(value: number, digits: number): string {
  const { text, size } = rounded(value, digits);
  return fixed(Number(text), Math.max(0, digits - 1 - size));
}

const isPlain = (size: number): boolean => size >= -3 && size < 6;

/** Any real number to four digits, so that columns line up: 3,844 · 0.1436 · 0.5000 · 1.649×10⁻⁵ · ∞. */
export function formatNumber(value: number): string {
  const word = special(value);
  if (word !== null) return word;
  const { mantissa, size } = rounded(value, 4);
  return isPlain(size) ? significant(value, 4) : `${mantissa}×${powerOfTen(size)}`;
}

/** A round number as an axis shows it: 0.5 · 20,000 · 2×10⁻⁵ · 10⁷. */
export function formatTick(value: number): string {
  const word = special(value);
  if (word !== null) return word;
  const { mantissa, size } = rounded(value, 6);
  if (isPlain(size)) return trimmed(significant(value, 6));
  const digits = trimmed(mantissa);
  return digits === "1" ? powerOfTen(size) : `${digits}×${powerOfTen(size)}`;
}

/** An estimate, to two digits: 39 · 3,600. */
export const formatEstimate = (value: number): string => formatTick(Number(value.toPrecision(2)));

/** A whole number in full: 432,698. */
export const formatCount = (value: number): string =>
  Math.abs(value) < 1e15 ? (special(value) ?? fixed(value, 0)) : formatNumber(value);

/** A percentage, 0–100: 12.8 % · 1.30 % · 0.033 % · < 0.001 %. */
export function formatPercentage(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return special(value) as string;
  if (size > 0 && size < 0.001) return value > 0 ? "< 0.001 %" : "> −0.001 %";
  if (size === 0 || size >= 1e6) return `${formatNumber(value)} %`;
  return `${fixed(value, size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3)} %`;
}

/** Decibels to a tenth: −3.0 dB. */
export const formatDecibel = (value: number): string =>
  Number.isFinite(value) ? `${formatScore(value)} dB` : (special(value) as string);

/** A score to a tenth: 88.6. */
export const formatScore = (value: number): string => (Math.abs(value) < 1e6 ? fixed(value, 1) : formatNumber(value));

/** A round number of parameters: 22.6 M. */
export const formatParameters = (value: number): string => inUnits(value, [" T", " B", " M", " K"], "");

/** A round number of bytes: 90.9 MB. */
export const formatBytes = (value: number): string => inUnits(value, [" TB", " GB", " MB", " kB"], " B");

function inUnits(value: number, units: string[], one: string): string {
  if (!Number.isFinite(value)) return special(value) as string;
  const steps = units.map((unit, index): [number, string] => [10 ** (12 - 3 * index), unit]);
  // From 999.5 of one unit the rounded figure is one of the next.
  const [size, unit] = steps.find(([size]) => Math.abs(value) >= 0.9995 * size) ?? [1, one];
  const scaled = value / size;
  if (size === 1) return `${formatCount(value)}${unit}`;
  return `${Math.abs(scaled) < 1e6 ? trimmed(significant(scaled, 3)) : formatNumber(scaled)}${unit}`;
}

/** A time in the unit that suits it: 59 s · 12 min · 1 h 30 min. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return special(seconds) as string;
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
