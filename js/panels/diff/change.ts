/** What the panels of a change ask of the store. */

import { CLASSES, type ClassifiedMetric, classIndex, type Level } from "../../assessment";
import type { Store } from "../../store";

/** A metric of the change of a layer; NaN where there is none. */
export const changeOf = (store: Store, metric: string, row: number): number =>
  store.table.value.value(`comparison.${metric}`, row);

/** What became of a layer; null where that is not known yet. */
export function statusOf(store: Store, row: number): string | null {
  return store.catalog.value.statuses?.[changeOf(store, "status", row)] ?? null;
}

export interface Crossing {
  row: number;
  metric: ClassifiedMetric;
  before: number;
  after: number;
  /** Classes, as indices into those of the metric. */
  from: number;
  to: number;
}

const COLUMNS: Partial<Record<ClassifiedMetric, string>> = {
  condition_number: "spectral.condition_number",
  sqnr_db: "quantization.sqnr_db",
  extreme_outlier_percentage: "quantization.extreme_outlier_percentage",
};

/** The classes that a layer crossed, better or worse. */
export function crossingsOf(store: Store, row: number): Crossing[] {
  const table = store.table.value;
  return (Object.entries(COLUMNS) as [ClassifiedMetric, string][]).flatMap(([metric, column]) => {
    const [before, after] = [table.value(`base.${column}`, row), table.value(column, row)];
    const levels = store.thresholds.value[metric];
    const [from, to] = [classIndex(metric, before, levels), classIndex(metric, after, levels)];
    return from < 0 || to < 0 || from === to ? [] : [{ row, metric, before, after, from, to }];
  });
}

/** The layers that entered a riskier class, the farthest fallen first. */
export function worsened(store: Store): Crossing[] {
  const mask = store.mask.value;
  return store.catalog.value.names
    .flatMap((_, row) => (mask[row] ? crossingsOf(store, row) : []))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => b.to - b.from - (a.to - a.from) || a.row - b.row);
}

export const levelOf = (metric: ClassifiedMetric, index: number): Level | "none" =>
  CLASSES[metric][index]?.level ?? "none";
