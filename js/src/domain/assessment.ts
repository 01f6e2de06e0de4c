/** Classes, health and risk by the rules of `data/rules.json`, as the package applies them; here so that a drag is answered at once. */

import rules from "../../../weightscope_widget/data/rules.json";
import { Stage, type Table, type Thresholds } from "../wire/model";

export type Grade = "Excellent" | "Good" | "Warning" | "Critical";
export const GRADES = rules.grades.map(({ name }) => name as Grade);

export type ClassifiedMetric = keyof Thresholds;

/** How a class is coloured; the same few levels for every metric. */
export type Level = "green" | "yellow" | "orange" | "red" | "blue";

interface Class {
  name: string;
  level: Level;
}

/** Where the classes begin by default. */
export const DEFAULT_THRESHOLDS = mapClasses(({ levels }) => levels) as unknown as Thresholds;

/** The classes of each metric, in the order of its thresholds. */
export const CLASSES: Record<ClassifiedMetric, Class[]> = mapClasses(({ names, colours }) =>
  names.map((name, index) => ({ name, level: colours[index] as Level })),
);

function mapClasses<T>(make: (rule: (typeof rules.classes)[ClassifiedMetric]) => T): Record<ClassifiedMetric, T> {
  const made = Object.entries(rules.classes).map(([metric, rule]) => [metric, make(rule)]);
  return Object.fromEntries(made) as Record<ClassifiedMetric, T>;
}

/** Whether a metric's thresholds descend. */
export const descends = (metric: ClassifiedMetric): boolean =>
  (rules.classes[metric].reached[0] as string).startsWith("<");

const OPERATORS: Record<string, (value: number, level: number) => boolean> = {
  ">=": (value, level) => value >= level,
  ">": (value, level) => value > level,
  "<=": (value, level) => value <= level,
  "<": (value, level) => value < level,
};
const REACHED = mapClasses(({ reached }) => reached.map((sign) => OPERATORS[sign] as (typeof OPERATORS)[string]));

/** The class of a value as an index into the metric's `CLASSES`: how many levels it has reached; -1 where there is no value. */
export function classIndex(metric: ClassifiedMetric, value: number, levels: readonly number[]): number {
  if (Number.isNaN(value)) return -1;
  const signs = REACHED[metric];
  let index = 0;
  for (let at = 0; at < levels.length; at++) if (signs[at]?.(value, levels[at] as number)) index++;
  return index;
}

/** The class of a value, or null where the value does not exist. */
export function classify(metric: ClassifiedMetric, value: number, thresholds: Thresholds): Class | null {
  return CLASSES[metric][classIndex(metric, value, thresholds[metric])] ?? null;
}

/** The best score less what conditioning and extreme outliers cost; null where either does not exist. */
export function health(conditionNumber: number, outliers: number, thresholds: Thresholds): number | null {
  if (Number.isNaN(conditionNumber) || Number.isNaN(outliers)) return null;
  const { best, costs } = rules.health;
  const cost = (metric: keyof typeof costs, value: number): number =>
    costs[metric][classIndex(metric, value, thresholds[metric])] as number;
  return best - cost("condition_number", conditionNumber) - cost("extreme_outlier_percentage", outliers);
}

export const grade = (score: number | null): Grade | null =>
  score === null ? null : (rules.grades.find(({ floor }) => score >= floor)?.name as Grade);

/** A step for conditioning, and a part proportional to the extreme outliers; NaN where either does not exist. */
export function risk(conditionNumber: number, outliers: number, thresholds: Thresholds): number {
  const step =
    rules.risk.condition_number[classIndex("condition_number", conditionNumber, thresholds.condition_number)];
  return (step ?? Number.NaN) + rules.risk.per_extreme_outlier_percentage * outliers;
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
