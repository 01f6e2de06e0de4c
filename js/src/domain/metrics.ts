/** What a number of a layer is, whatever panel shows it: where it comes from, its axis, and how it reads. */

import { metricTitle } from "../text/messages";
import type { Table } from "../wire/model";
import { type ClassifiedMetric, type Judgement, stableRankPercentage } from "./assessment";
import { formatCount, formatDecibel, formatNumber, formatPercentage, formatTick, MISSING } from "./format";

export type AxisKind = "linear" | "log" | "symlog";

/** Metrics that panels know by name; every other one is known by its column, as `basic_stats.std`. */
const COLUMNS: Record<string, string> = {
  condition_number: "spectral.condition_number",
  sqnr_db: "quantization.sqnr_db",
  extreme_outlier_percentage: "quantization.extreme_outlier_percentage",
  near_zero_percentage: "sparsity.threshold_1e-2",
};

const CLASSIFIED: readonly string[] = [
  "condition_number",
  "sqnr_db",
  "extreme_outlier_percentage",
  "stable_rank_percentage",
];

const LOG =
  /^condition_number$|^relative_change$|_distance$|_difference$|_norm$|_mse$|_mae$|^std$|_scale$|abs|singular_value|dynamic_range|^parameters$/;
const COUNTS = /_count$|^delta_.*rank|^intruder_dimensions$|^common_rows$|^dead_(rows|columns)$|_rank$|^parameters$/;
const PERCENTAGES = /_percentage$|^threshold_/;

/** The metric's own name, without the section of its column. */
export const bare = (metric: string): string => metric.slice(metric.indexOf(".") + 1);

export const classifiedMetric = (metric: string): ClassifiedMetric | null =>
  CLASSIFIED.includes(metric) ? (metric as ClassifiedMetric) : null;

/** The column of a metric under a quantization scheme. */
export const columnOf = (metric: string, scheme: string): string =>
  metric === "sqnr_db" && scheme !== "int8_tensor" ? `schemes.${scheme}_sqnr_db` : (COLUMNS[metric] ?? metric);

/** A metric of all layers; NaN where it does not exist or is not known yet. */
export function valuesOf(metric: string, table: Table, judgements: readonly Judgement[], scheme: string): Float64Array {
  if (metric === "risk") return Float64Array.from(judgements, ({ risk }) => risk);
  if (metric === "stable_rank_percentage")
    return Float64Array.from({ length: table.rows }, (_, row) => stableRankPercentage(table, row));
  return table.column(columnOf(metric, scheme));
}

export function axisKind(metric: string): AxisKind {
  const name = bare(metric);
  if (metric === "extreme_outlier_percentage" || metric === "risk" || name === "outlier_percentage") return "symlog";
  return LOG.test(name) ? "log" : "linear";
}

export function titleOf(metric: string): string {
  return metricTitle(metric === "near_zero_percentage" ? "threshold_1e-2" : bare(metric));
}

export const formatMetric = (metric: string, value: number): string => formatNamed(bare(metric), value);

/** The same, of a metric by its own name. */
export function formatNamed(name: string, value: number): string {
  if (Number.isNaN(value)) return MISSING;
  if (name === "risk") return Number.isFinite(value) ? value.toFixed(1) : formatNumber(value);
  if (name.endsWith("sqnr_db")) return formatDecibel(value);
  if (PERCENTAGES.test(name)) return formatPercentage(value);
  return COUNTS.test(name) && Number.isInteger(value) ? formatCount(value) : formatNumber(value);
}

/** A threshold as a person would write it: 40 dB, 0.1 %, 10,000. */
export function formatLevel(metric: ClassifiedMetric, level: number): string {
  if (metric === "sqnr_db") return `${formatTick(level)} dB`;
  return isPercentage(metric)
    ? `${formatTick(level)} %`
    : Number.isInteger(level)
      ? formatCount(level)
      : formatTick(level);
}

/** An estimate of a metric by its own name, to the two digits it deserves. */
export function formatEstimate(name: string, value: number): string {
  const unit = name === "sqnr_db" ? " dB" : PERCENTAGES.test(name) ? " %" : "";
  return `≈ ${formatTick(Number(value.toPrecision(2)))}${unit}`;
}

export const isPercentage = (metric: string): boolean => PERCENTAGES.test(bare(metric));

/** The columns that a metric is computed from, where it is not one itself. */
const NEEDED: Record<string, string[]> = {
  stable_rank_percentage: ["spectral.stable_rank", "spectral.total_rank"],
  risk: ["spectral.condition_number", "quantization.extreme_outlier_percentage"],
};

/** Every metric that some layer has, those with classes first; what a map or an axis can be of. */
export function metricsOf(table: Table): string[] {
  const known = ["condition_number", "stable_rank_percentage", "sqnr_db", "extreme_outlier_percentage", "risk"];
  const skipped = new Set([...Object.values(COLUMNS), "spectral.stable_rank_percentage", "block", "stage"]);
  // What a comparison or an evolution is about comes first; a status is no measure.
  const change = table.names.filter(
    (column) => /^comparison\.|^relative_change_to_/.test(column) && column !== "comparison.status",
  );
  const others = table.names.filter(
    (column) =>
      !(skipped.has(column) || change.includes(column) || /^(baseline|schemes|base|comparison)\./.test(column)),
  );
  return [...change, ...known, "near_zero_percentage", ...others].filter((metric) =>
    (NEEDED[metric] ?? [columnOf(metric, "int8_tensor")]).every((column) => table.has(column)),
  );
}
