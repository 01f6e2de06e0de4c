/** The metrics of `data/rules.json`: the column, the axis and the format of each. */

import rules from "../../../weightscope_widget/data/rules.json";
import type { Table } from "../wire/model";
import type { ClassifiedMetric, Judgement } from "./assessment";
import {
  formatCount,
  formatDecibel,
  formatEstimate,
  formatNumber,
  formatPercentage,
  formatScore,
  formatTick,
} from "./format";
import { sqnrColumn, USUAL_SCHEME } from "./schemes";

export type AxisKind = "linear" | "log" | "symlog";
type Format = "number" | "count" | "percentage" | "decibel" | "score";

export interface Metric {
  /** The section of the results that has it. */
  section?: string;
  /** Its column where that is not `section.name`. */
  column?: string;
  axis?: AxisKind;
  format?: Format;
  /** Only some layers have it, so that a missing value is not worth a dash. */
  optional?: boolean;
  /** Which values are the ones to look at first. */
  worse?: "higher" | "lower";
}

const METRICS = new Map<string, Metric>(Object.entries(rules.metrics as Record<string, Metric>));
const UNLISTED = Object.entries(rules.unlisted_metrics as Record<string, Metric>);

/** The metric's own name, without the section of its column. */
export const bare = (metric: string): string => metric.slice(metric.indexOf(".") + 1);

/** What is known of a metric, by its own name or its column; one that is not listed goes by the end of its name. */
export function metricOf(metric: string): Metric {
  const name = bare(metric);
  return METRICS.get(metric) ?? METRICS.get(name) ?? UNLISTED.find(([suffix]) => name.endsWith(suffix))?.[1] ?? {};
}

export const classifiedMetric = (metric: string): ClassifiedMetric | null =>
  Object.hasOwn(rules.classes, metric) ? (metric as ClassifiedMetric) : null;

/** The column of a metric, of SQNR under a quantization scheme; a metric with a section in its name is a column. */
export function columnOf(metric: string, table: Pick<Table, "has">, scheme: string = USUAL_SCHEME): string {
  if (metric === "sqnr_db") return sqnrColumn(table, scheme);
  const { section, column } = METRICS.get(metric) ?? {};
  return column ?? (section ? `${section}.${metric}` : metric);
}

/** A metric of all layers; NaN where it does not exist or is not known yet. */
export function valuesOf(metric: string, table: Table, judgements: readonly Judgement[], scheme: string): Float64Array {
  if (metric === "risk") return Float64Array.from(judgements, ({ risk }) => risk);
  return table.column(columnOf(metric, table, scheme));
}

export const axisKind = (metric: string): AxisKind => metricOf(metric).axis ?? "linear";

const FORMATS: Record<Format, (value: number) => string> = {
  number: formatNumber,
  count: (value) => (Number.isInteger(value) ? formatCount(value) : formatNumber(value)),
  percentage: formatPercentage,
  decibel: formatDecibel,
  score: formatScore,
};

/** A value of a metric, by its own name or its column. */
export const formatMetric = (metric: string, value: number): string =>
  FORMATS[metricOf(metric).format ?? "number"](value);

/** A metric's unit: `dB`, `%` or none. */
export const unitOf = (metric: string): string =>
  ({ decibel: "dB", percentage: "%" })[metricOf(metric).format as string] ?? "";

const withUnit = (text: string, metric: string): string => [text, unitOf(metric)].filter(Boolean).join(" ");

/** A threshold as a person would write it: 40 dB, 0.1 %, 10,000. */
export const formatLevel = (metric: ClassifiedMetric, level: number): string =>
  withUnit(Number.isInteger(level) ? formatCount(level) : formatTick(level), metric);

/** An estimate of a metric, to the two digits it deserves: ≈ 39 dB. */
export const estimateMetric = (metric: string, value: number): string => withUnit(`≈ ${formatEstimate(value)}`, metric);

/** The columns that the risk score is computed from. */
const RISK = ["condition_number", "extreme_outlier_percentage"];

/** Every metric that some layer has, those with classes first; what a map or an axis can be of. */
export function metricsOf(table: Table): string[] {
  const named = [
    ...["condition_number", "stable_rank_percentage", "sqnr_db", "extreme_outlier_percentage"],
    ...["risk", "near_zero_percentage"],
  ];
  const column = (metric: string): string => columnOf(metric, table);
  const skipped = new Set([...named.map(column), "block", "stage", "comparison.status"]);
  const others = table.names.filter((name) => !skipped.has(name) && !/^(baseline|schemes|base)\./.test(name));
  // What a comparison or an evolution is about comes first.
  const isChange = (name: string): boolean => /^comparison\.|^relative_change_to_/.test(name);
  return [
    ...others.filter(isChange),
    ...named.filter((metric) => (metric === "risk" ? RISK : [metric]).map(column).every((name) => table.has(name))),
    ...others.filter((name) => !isChange(name)),
  ];
}
