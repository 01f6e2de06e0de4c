/** The order of the table. */

import { GRADES, type Grade } from "../domain/assessment";
import { metricOf } from "../domain/metrics";

export type SortColumn =
  | "label"
  | "kind"
  | "shape"
  | "parameters"
  | "condition_number"
  | "stable_rank"
  | "sqnr_db"
  | "extreme_outlier_percentage"
  | "grade"
  | "risk"
  | `comparison.${string}`
  | `relative_change_to_${string}`;

export interface Sort {
  column: SortColumn;
  descending: boolean;
}

/** Whether a column starts descending: its large values are the ones to look at first. */
export const sortedByDefault = (column: SortColumn): boolean =>
  metricOf(column).worse === "higher" || column === "grade" || column.startsWith("comparison.");

/** Worse grades are larger; NaN for none. */
export const gradeRank = (grade: Grade | null): number => (grade === null ? Number.NaN : GRADES.indexOf(grade));

/** Sort rows by a key; those without a value come last either way, and ties keep the model's order. */
export function sortRows(
  rows: readonly number[],
  key: (row: number) => number | string,
  descending: boolean,
): number[] {
  const missing = (value: number | string): boolean => typeof value === "number" && Number.isNaN(value);
  const direction = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: key(row) }))
    .sort((a, b) => {
      const gaps = Number(missing(a.value)) - Number(missing(b.value));
      if (gaps !== 0 || missing(a.value)) return gaps || a.row - b.row;
      if (a.value === b.value) return a.row - b.row;
      return a.value < b.value ? -direction : direction;
    })
    .map(({ row }) => row);
}
