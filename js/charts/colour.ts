/** What a value is coloured: by its class where its metric has classes, else along one ramp. */

import { classify } from "../assessment";
import { axisKind, classifiedMetric } from "../metrics";
import type { Thresholds } from "../model";
import { PALETTES, type Scheme } from "../palette";

export interface Colouring {
  /** The colour of a value; null where it has none. */
  colour(value: number): string | null;
  /** The ends of the ramp, where there is one. */
  ramp: { low: number; high: number; colours: readonly string[] } | null;
}

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
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    // A zero has no place on a log axis: it is coloured as the least that has one.
    if (!Number.isFinite(value) || (axisKind(metric) === "log" && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const [start, end] = axisKind(metric) === "log" ? [Math.log(low), Math.log(high)] : [along(low), along(high)];
  const share = (value: number): number => {
    const at = axisKind(metric) === "log" ? Math.log(value) : along(value);
    return end > start ? Math.min(1, Math.max(0, (at - start) / (end - start))) : 0.5;
  };
  return {
    colour: (value) =>
      Number.isNaN(value) ? null : (colours[Math.round(share(value) * (colours.length - 1))] as string),
    ramp: low <= high ? { low, high, colours } : null,
  };
}
