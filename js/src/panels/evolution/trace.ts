/** Where the lines of a chart over checkpoints run. */

import { type MetricAxis, metricAxis } from "../../charts/axis";
import type { Corner } from "../../charts/Surface";
import type { Family, Thresholds } from "../../wire/model";

export interface Room {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Where each checkpoint is across: at even distances, the first and the last at the edges. */
export function across(count: number, { left, right }: Pick<Room, "left" | "right">): number[] {
  return Array.from({ length: count }, (_, at) => (count < 2 ? left : left + (at / (count - 1)) * (right - left)));
}

/** The axis upwards: it holds a metric of the rows that are drawn, at every checkpoint. */
export function axisOf(
  metric: string,
  history: readonly Float64Array[],
  rows: readonly number[],
  { top, bottom }: Pick<Room, "top" | "bottom">,
  thresholds: Thresholds,
): MetricAxis {
  const values = history.flatMap((column) => rows.map((row) => column[row] as number));
  return metricAxis(metric, values, [bottom, top], thresholds);
}

/** A row's points; null where it has no value, or one that the axis does not hold. */
export function pointsOf(
  history: readonly Float64Array[],
  row: number,
  x: readonly number[],
  { place, scale }: MetricAxis,
): (Corner | null)[] {
  return history.map((column, at) => {
    const value = column[row] as number;
    const held = !Number.isNaN(value) && (Number.isFinite(scale(value)) || value === Number.POSITIVE_INFINITY);
    return held ? [x[at] as number, place(value)] : null;
  });
}

/** A line through points, interrupted where there is none; a lone point is a dash. */
export function pathOf(points: readonly (Corner | null)[]): string {
  let path = "";
  let begun = false;
  points.forEach((point, at) => {
    if (point) {
      path += `${begun ? "L" : "M"}${point[0].toFixed(1)},${point[1].toFixed(1)}`;
      if (!begun && !points[at + 1]) path += "h0.1";
    }
    begun = point !== null;
  });
  return path;
}

/** How far a place is from a line, in pixels. */
export function distanceTo(points: readonly (Corner | null)[], [px, py]: Corner): number {
  let least = Number.POSITIVE_INFINITY;
  points.forEach((point, at) => {
    if (!point) return;
    const [ax, ay] = point;
    const [bx, by] = points[at + 1] ?? point;
    const length = (bx - ax) ** 2 + (by - ay) ** 2;
    const share = length === 0 ? 0 : Math.max(0, Math.min(1, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length));
    least = Math.min(least, Math.hypot(px - ax - share * (bx - ax), py - ay - share * (by - ay)));
  });
  return least;
}

/** Median and quartiles of a family at every checkpoint; null where none of its layers has a value. */
export interface Spread {
  family: Family;
  layers: number;
  at: ([low: number, median: number, high: number] | null)[];
}

export function spreadsOf(
  history: readonly Float64Array[],
  rows: readonly number[],
  families: readonly Family[],
): Spread[] {
  const members = new Map<Family, number[]>();
  for (const row of rows) {
    const family = families[row] ?? "other";
    members.set(family, [...(members.get(family) ?? []), row]);
  }
  return [...members].map(([family, own]) => ({
    family,
    layers: own.length,
    at: history.map((column) => {
      const values = own.map((row) => column[row] as number).filter((value) => !Number.isNaN(value));
      if (values.length === 0) return null;
      const sorted = Float64Array.from(values).sort();
      return [quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)];
    }),
  }));
}

/** Linear between neighbours, as NumPy's default; between two infinite ones infinite. */
export function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number];
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}
