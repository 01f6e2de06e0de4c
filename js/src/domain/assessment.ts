/** Classes, health and risk, as `weightscope_widget/assessment/thresholds.py` defines them; here so that thresholds can move. */

import { Stage, type Table, type Thresholds } from "../wire/model";

export const GRADES = ["Excellent", "Good", "Warning", "Critical"] as const;
export type Grade = (typeof GRADES)[number];

export type ClassifiedMetric = keyof Thresholds;

/** How a class is coloured; the same few levels for every metric. */
export type Level = "green" | "yellow" | "orange" | "red" | "blue";

interface Class {
  name: string;
  level: Level;
}

export const CLASSES: Record<ClassifiedMetric, Class[]> = {
  condition_number: [
    { name: "safe", level: "green" },
    { name: "attention", level: "yellow" },
    { name: "high", level: "orange" },
    { name: "very high", level: "red" },
  ],
  sqnr_db: [
    { name: "safe", level: "green" },
    { name: "medium", level: "yellow" },
    { name: "high", level: "red" },
  ],
  extreme_outlier_percentage: [
    { name: "friendly", level: "green" },
    { name: "needs a strategy", level: "yellow" },
    { name: "high", level: "orange" },
    { name: "very high", level: "red" },
  ],
  stable_rank_percentage: [
    { name: "very high", level: "red" },
    { name: "high", level: "orange" },
    { name: "medium", level: "yellow" },
    { name: "low", level: "green" },
    { name: "already efficient", level: "blue" },
  ],
};

function count(levels: readonly number[], holds: (level: number) => boolean, from = 0): number {
  let found = 0;
  for (let index = from; index < levels.length; index++) if (holds(levels[index] as number)) found++;
  return found;
}

// The safe class ends before its level; each of the others reaches up to and including the next.
const ascendingRisk = (value: number, levels: readonly number[]): number =>
  value < (levels[0] as number) ? 0 : 1 + count(levels, (level) => value > level, 1);

const RANK_OF: Record<ClassifiedMetric, (value: number, levels: readonly number[]) => number> = {
  condition_number: ascendingRisk,
  sqnr_db: (value, levels) => (value > (levels[0] as number) ? 0 : value < (levels[1] as number) ? 2 : 1),
  extreme_outlier_percentage: ascendingRisk,
  stable_rank_percentage: (value, levels) => count(levels, (level) => value >= level),
};

/** The class of a value as an index into the metric's `CLASSES`; -1 where the value does not exist. */
export const classIndex = (metric: ClassifiedMetric, value: number, levels: readonly number[]): number =>
  Number.isNaN(value) ? -1 : RANK_OF[metric](value, levels);

/** The class of a value, or null where the value does not exist. */
export function classify(metric: ClassifiedMetric, value: number, thresholds: Thresholds): Class | null {
  return CLASSES[metric][classIndex(metric, value, thresholds[metric])] ?? null;
}

const step = (value: number, ...steps: [number, number][]): number =>
  Math.max(0, ...steps.filter(([level]) => value > level).map(([, amount]) => amount));

/** 100 less what conditioning and extreme outliers cost; null where either does not exist. */
export function health(conditionNumber: number, outliers: number, thresholds: Thresholds): number | null {
  if (Number.isNaN(conditionNumber) || Number.isNaN(outliers)) return null;
  const [, high, veryHigh] = thresholds.condition_number;
  const [, outlierHigh, outlierVeryHigh] = thresholds.extreme_outlier_percentage;
  return (
    100 - step(conditionNumber, [high, 20], [veryHigh, 40]) - step(outliers, [outlierHigh, 15], [outlierVeryHigh, 30])
  );
}

export function grade(score: number | null): Grade | null {
  if (score === null) return null;
  return GRADES[count([80, 60, 40], (floor) => score < floor)] ?? null;
}

/** 50 or 25 for conditioning, plus three times the percentage of extreme outliers; NaN where either does not exist. */
export function risk(conditionNumber: number, outliers: number, thresholds: Thresholds): number {
  const [, high, veryHigh] = thresholds.condition_number;
  if (Number.isNaN(conditionNumber)) return Number.NaN;
  return step(conditionNumber, [high, 25], [veryHigh, 50]) + 3 * outliers;
}

export interface Judgement {
  grade: Grade | null;
  risk: number;
}

/** Grade and risk of one row; weights that are not finite are Critical whatever else is known. */
export function judge(table: Pick<Table, "value" | "has" | "stage">, row: number, thresholds: Thresholds): Judgement {
  const counted = table.value("basic_stats.nan_count", row) > 0 || table.value("basic_stats.inf_count", row) > 0;
  // Only weights that are not finite have a rank and no largest singular value.
  const unbounded =
    table.has("spectral.max_singular_value") &&
    !Number.isNaN(table.value("spectral.total_rank", row)) &&
    Number.isNaN(table.value("spectral.max_singular_value", row));
  if (counted || unbounded) return { grade: "Critical", risk: Number.POSITIVE_INFINITY };
  const failed = table.stage(row) === Stage.Failed;
  const conditionNumber = failed ? Number.NaN : table.value("spectral.condition_number", row);
  const outliers = table.value("quantization.extreme_outlier_percentage", row);
  return {
    grade: grade(health(conditionNumber, outliers, thresholds)),
    risk: risk(conditionNumber, outliers, thresholds),
  };
}

/** 100 · stable rank / total rank. */
export function stableRankPercentage(table: Table, row: number): number {
  return (100 * table.value("spectral.stable_rank", row)) / table.value("spectral.total_rank", row);
}
