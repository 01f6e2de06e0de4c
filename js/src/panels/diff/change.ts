/** What the panels of a change ask of the store. */

import {
  CLASSES,
  type ClassifiedMetric,
  classIndex,
  GRADES,
  type Grade,
  judge,
  type Level,
} from "../../domain/assessment";
import type { Store } from "../../state/store";
import { className, metricTitle, named, say } from "../../text/messages";
import { GRADE_LEVELS } from "../../theme/palette";
import { Stage } from "../../wire/model";

/** A metric of the change of a layer; NaN where there is none. */
export const changeOf = (store: Store, metric: string, row: number): number =>
  store.table.value.value(`comparison.${metric}`, row);

/** What became of a layer; null where that is not known yet. */
export function statusOf(store: Store, row: number): string | null {
  return store.catalog.value.statuses?.[changeOf(store, "status", row)] ?? null;
}

/** Whether the two shapes of a layer share no rows, so that there is no change of it to measure. */
export const isApart = (store: Store, row: number): boolean =>
  statusOf(store, row) === "reshaped" && Number.isNaN(changeOf(store, "common_rows", row));

export interface Crossing {
  row: number;
  /** `health` where it is the grade that changed. */
  metric: ClassifiedMetric | "health";
  /** The metric's values; NaN of a grade. */
  before: number;
  after: number;
  /** Classes, as indices into those of the metric, or grades: riskier ones are larger. */
  from: number;
  to: number;
}

const COLUMNS: Partial<Record<ClassifiedMetric, string>> = {
  condition_number: "spectral.condition_number",
  sqnr_db: "quantization.sqnr_db",
  extreme_outlier_percentage: "quantization.extreme_outlier_percentage",
};

/** The classes that a layer crossed, better or worse, and its grade where that changed. */
export function crossingsOf(store: Store, row: number): Crossing[] {
  const table = store.table.value;
  const classes = (Object.entries(COLUMNS) as [ClassifiedMetric, string][]).map(([metric, column]): Crossing => {
    const [before, after] = [table.value(`base.${column}`, row), table.value(column, row)];
    const levels = store.thresholds.value[metric];
    const [from, to] = [classIndex(metric, before, levels), classIndex(metric, after, levels)];
    return { row, metric, before, after, from, to };
  });
  const { base, tuned } = gradesOf(store, row);
  const rank = (grade: Grade | null): number => (grade === null ? -1 : GRADES.indexOf(grade));
  const [before, after] = [Number.NaN, Number.NaN];
  const grade: Crossing = { row, metric: "health", before, after, from: rank(base), to: rank(tuned) };
  return [...classes, grade].filter(({ from, to }) => from >= 0 && to >= 0 && from !== to);
}

/** The grades of a layer before and after; null where there is none. */
export function gradesOf(store: Store, row: number): { base: Grade | null; tuned: Grade | null } {
  const table = store.table.value;
  const of = (prefix: string): Grade | null => {
    const side = {
      value: (column: string) => table.value(prefix + column, row),
      has: (column: string) => table.has(prefix + column),
      // Of a comparison that failed on the way, what is known of the sides holds.
      stage: () => Stage.Done,
    };
    return judge(side, row, store.thresholds.value).grade;
  };
  return { base: of("base."), tuned: of("") };
}

/** The layers that entered a riskier class or a worse grade, ordered as `ComparisonResults.worsened` has them. */
export function worsened(store: Store): Crossing[] {
  const mask = store.mask.value;
  const { names } = store.catalog.value;
  const nameOf = ({ row }: Crossing): string => names[row] as string;
  return names
    .flatMap((_, row) => (mask[row] ? crossingsOf(store, row) : []))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => b.to - b.from - (a.to - a.from) || order(nameOf(a), nameOf(b)) || order(a.metric, b.metric));
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const crossedTitle = (metric: Crossing["metric"]): string =>
  metric === "health" ? say("page.columns.grade") : metricTitle(metric);

/** How a class, or a grade, is called and coloured. */
export function classOf(metric: Crossing["metric"], index: number): { name: string; level: Level | "none" } {
  if (metric === "health") {
    const grade = GRADES[index] as Grade;
    return { name: named("page.grade", grade), level: GRADE_LEVELS[grade] };
  }
  const found = CLASSES[metric][index];
  return { name: className(metric, found?.name ?? ""), level: found?.level ?? "none" };
}
