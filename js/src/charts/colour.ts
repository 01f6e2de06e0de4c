/** What a value is coloured: by its class where its metric has classes, else along one ramp. */

import { classify } from "../domain/assessment";
import { axisKind, classifiedMetric } from "../domain/metrics";
import { PALETTES, type Scheme } from "../theme/palette";
import type { Thresholds } from "../wire/model";

export interface Colouring {
  /** The colour of a value; null where it has none. */
  colour(value: number): string | null;
  /** The ends of the ramp, where there is one; `zero` is the colour of zeros, which have no place on a log axis. */
  ramp: { low: number; high: number; colours: readonly string[]; zero: string | null } | null;
}

/** How far along the ramp the least value of a log axis is where there are zeros, which are at its beginning. */
const ABOVE_ZERO = 0.2;

export function colouring(metric: string, values: Float64Array, thresholds: Thresholds, scheme: Scheme): Colouring {
  const { levels, ramp: colours } = PALETTES[scheme];
  const classified = classifiedMetric(metric);
  if (classified)
    return {
      colour: (value) => {
        const found = classify(classified, value, thresholds);
        return found && levels[found.level];
      },
      ramp: null,
    };
  const along = axisKind(metric) === "linear" ? (value: number) => value : (value: number) => Math.log1p(value / 1e-2);
  let [low, high, zeros] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, false];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (axisKind(metric) === "log" && value <= 0) {
      zeros = true;
      continue;
    }
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const [start, end] = axisKind(metric) === "log" ? [Math.log(low), Math.log(high)] : [along(low), along(high)];
  const begin = zeros ? ABOVE_ZERO : 0;
  const share = (value: number): number => {
    if (axisKind(metric) === "log" && value <= 0) return 0;
    const at = axisKind(metric) === "log" ? Math.log(value) : along(value);
    return begin + (1 - begin) * (end > start ? Math.min(1, Math.max(0, (at - start) / (end - start))) : 0.5);
  };
  const last = colours.length - 1;
  return {
    colour: (value) => (Number.isNaN(value) ? null : (colours[Math.round(share(value) * last)] as string)),
    ramp:
      low <= high
        ? { low, high, colours: colours.slice(Math.round(begin * last)), zero: zeros ? (colours[0] as string) : null }
        : null,
  };
}
