/** An axis of a metric: its scale, its ends, its ticks. */

import { type ScaleContinuousNumeric, scaleLinear, scaleLog, scaleSymlog } from "d3-scale";

import { formatTick } from "../domain/format";
import { axisKind, classifiedMetric, unitOf as unit } from "../domain/metrics";
import type { Thresholds } from "../wire/model";
import { logTicks, symlogPercentTicks, type Tick } from "./ticks";

export type Scale = ScaleContinuousNumeric<number, number>;

export interface MetricAxis {
  scale: Scale;
  ticks: Tick[];
  /** A value's place; the ends for those beyond, infinite ones among them. */
  place(value: number): number;
}

/** An axis that holds all finite values and, where the metric has classes, all but the farthest of its levels. */
export function metricAxis(
  metric: string,
  values: Iterable<number>,
  range: [number, number],
  thresholds: Thresholds,
): MetricAxis {
  const kind = axisKind(metric);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const include = (value: number): void => {
    if (!Number.isFinite(value) || (kind === "log" && value <= 0)) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  for (const value of values) include(value);
  const classified = classifiedMetric(metric);
  if (classified) for (const level of thresholds[classified]) include(level);
  if (kind === "symlog") include(0);
  if (metric === "stable_rank_percentage" || metric === "near_zero_percentage") {
    include(0);
    if (classified) include(100);
  }
  if (low > high) [low, high] = [kind === "log" ? 1 : 0, kind === "log" ? 10 : 1];
  const scale = {
    log: () => scaleLog([low / 1.15, high * 1.15], range),
    symlog: () => scaleSymlog([0, Math.max(high * 1.2, 0.1)], range).constant(0.01),
    linear: () => (low === high ? scaleLinear([low - 0.5, high + 0.5], range) : scaleLinear([low, high], range)),
  }[kind]();
  const length = Math.abs(range[1] - range[0]);
  const count = Math.max(2, Math.floor(length / 55));
  const domain = scale.domain() as [number, number];
  const ticks =
    kind === "log"
      ? logTicks(domain, count)
      : kind === "symlog"
        ? symlogPercentTicks(domain, scale, 32)
        : scale.ticks(count).map((value) => ({ value, label: formatTick(value) }));
  const [start, end] = range;
  return {
    scale,
    ticks,
    place: (value) => {
      const at = value === Number.POSITIVE_INFINITY ? end : kind === "log" && value <= 0 ? start : scale(value);
      return Math.min(Math.max(start, end), Math.max(Math.min(start, end), at));
    },
  };
}

/** A metric's unit as an axis title has it. */
export const unitOf = (metric: string): string => (unit(metric) ? ` (${unit(metric)})` : "");
