/** Ticks of axes that d3's own do not serve: decades of a log axis, and a log-like axis that holds zero. */

import { ticks as linearTicks } from "d3-array";
import { formatTick, powerOfTen } from "../domain/format";

export interface Tick {
  value: number;
  label: string;
}

/** At most `count` decades within the domain of a log axis; a narrow domain gets 2s and 5s too. */
export function logTicks([low, high]: [number, number], count: number): Tick[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const stride = Math.max(1, Math.ceil((last - first + 1) / count));
  const decades: Tick[] = [];
  for (let exponent = first; exponent <= last; exponent += stride) {
    decades.push({ value: 10 ** exponent, label: plainPower(exponent) });
  }
  if (decades.length >= 2) return decades;
  const inner: Tick[] = [];
  for (let exponent = first - 1; exponent <= last; exponent++) {
    for (const digit of [1, 2, 5]) {
      const value = digit * 10 ** exponent;
      if (value >= low && value <= high) inner.push({ value, label: plainValue(digit, exponent) });
    }
  }
  return inner.length >= 2
    ? inner
    : linearTicks(low, high, count).map((value) => ({ value, label: formatTick(value) }));
}

const plainPower = (exponent: number): string =>
  exponent >= -2 && exponent <= 3 ? plainValue(1, exponent) : powerOfTen(exponent);

function plainValue(digit: number, exponent: number): string {
  if (exponent >= 0) return exponent <= 3 ? String(digit * 10 ** exponent) : `${digit}×${powerOfTen(exponent)}`;
  return exponent >= -3 ? (digit * 10 ** exponent).toFixed(-exponent) : `${digit}×${powerOfTen(exponent)}`;
}

/** Ticks of a percentage axis that is linear near zero and logarithmic beyond, at least `gap` pixels apart. */
export function symlogPercentTicks(
  [low, high]: [number, number],
  position: (value: number) => number,
  gap: number,
): Tick[] {
  const decades = [0, 0.01, 0.1, 1, 10, 100];
  const between = [0.02, 0.05, 0.2, 0.5, 2, 5, 20, 50];
  const inside = (value: number): boolean => value >= low && value <= high;
  const chosen: number[] = [];
  const add = (values: readonly number[]): void => {
    for (const value of values) {
      if (inside(value) && chosen.every((other) => Math.abs(position(other) - position(value)) >= gap))
        chosen.push(value);
    }
  };
  add(decades);
  add(between);
  if (chosen.length < 3) add(linearTicks(Math.max(low, 0), high, 5));
  return chosen.sort((a, b) => a - b).map((value) => ({ value, label: formatTick(value) }));
}
