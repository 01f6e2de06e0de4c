/** Every text on the screen, in one catalogue per language. */

import type { ClassifiedMetric, Grade } from "./assessment";
import { formatCount, formatSeconds } from "./format";
import type { Family } from "./model";

export interface Metric {
  /** What the table and the metrics panel call it. */
  title: string;
}

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

export const en = {
  dashboard: (model: string) => `Weights of ${model}`,
  layers: (count: number) => plural(count, "layer"),
  parameters: (count: string) => `${count} parameters`,
  grades: "Health of the layers",
  gradesHint:
    "Layers by health grade. A rule of thumb: 100, less up to 40 for the condition number and up to 30 for extreme outliers.",
  grade: { Excellent: "Excellent", Good: "Good", Warning: "Warning", Critical: "Critical" } satisfies Record<
    Grade,
    string
  >,
  failed: "Failed",
  measuring: (done: number, total: number) => `Measuring weights: ${formatCount(done)} of ${plural(total, "layer")}`,
  decomposing: (done: number, total: number) => `Computing spectra: ${formatCount(done)} of ${plural(total, "layer")}`,
  secondsLeft: (seconds: number) => `about ${formatSeconds(seconds)} left`,
  cancel: "Cancel",
  cancelling: "Cancelling…",
  cancelled: (done: number, total: number) =>
    `Scan not finished: ${formatCount(done)} of ${plural(total, "layer")}. What was computed is shown.`,
  skipped: (count: number) => `${plural(count, "tensor")} left out`,
  family: { attention: "Attention", mlp: "MLP", embedding: "Embedding", other: "Other" } satisfies Record<
    Family,
    string
  >,
  ruleOfThumb: "Lines and classes are rules of thumb, for sorting and early warning.",

  riskMatrix: "Quantization risk",
  riskMatrixAbout: (count: number) =>
    `Quantization risk matrix of ${plural(count, "layer")}: extreme outliers across, signal to quantization noise upwards. Arrow keys walk the layers, plus and minus zoom, 0 resets.`,
  extremeOutliers: "Extreme outliers (% outside 3 × IQR)",
  sqnr: "SQNR, INT8 per tensor (dB)",
  highRisk: (level: string) => `high risk: below ${level} dB`,
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  resetZoom: "Show all",
  zoomHint: "Drag to move, pinch or Ctrl + wheel to zoom",
  notDrawn: (count: number) => `${plural(count, "layer")} not drawn: failed, vectors, or without finite weights`,
  waitingForPoints: "The first layers are being measured…",
  noQuantization: "The scan left quantization out, so there is nothing to place here.",

  distribution: "Weight distribution",
  distributionAbout: (label: string, count: string, low: string, high: string) =>
    `Histogram of ${label}: ${count} weights from ${low} to ${high}`,
  weight: "Weight",
  count: "Count",
  countLog: "Count (log)",
  bin: (low: string, high: string, count: string) => `${low} to ${high}: ${count}`,

  singularValues: "Singular values",
  singularValuesAbout: (label: string, count: string, first: string, last: string) =>
    `Singular values of ${label}: ${count}, from ${first} down to ${last}`,
  topSingularValues: (k: number) => `Largest ${k}`,
  allSingularValues: (count: string) => `All ${count} (log)`,
  index: "Index",
  randomEdge: "random edge",
  randomEdgeHint: "Where the spectrum of a Gaussian matrix of this shape and spread would end (Marchenko–Pastur)",
  zeroSingularValues: (count: number) => `${plural(count, "value")} at zero not drawn`,

  selectHint: "Choose a layer in the risk matrix or the table.",
  waitingForLayer: "This layer is next…",
  analysisFailed: "The analysis of this layer failed; its metrics say why.",
  notComputed: "Not computed by this scan.",
  notFinite: "Weights that are NaN or infinite have no singular values.",
  nonFinite: (nan: number, infinite: number) =>
    `${[nan > 0 && `${formatCount(nan)} NaN`, infinite > 0 && `${formatCount(infinite)} infinite`].filter(Boolean).join(" and ")}: graded Critical. All other numbers are of the finite weights.`,
  noneFinite: "None of its weights is finite.",
  noAnswer: "The kernel does not answer; it may be busy or gone.",
  retry: "Ask again",

  table: "Layers",
  search: "Search layers",
  searchPlaceholder: "Name, kind or family",
  noMatch: (query: string) => `No layer matches “${query}”.`,
  matches: (count: number, total: number) => `${formatCount(count)} of ${formatCount(total)}`,
  sortBy: (title: string) => `Sort by ${title}`,
  columns: {
    label: "Layer",
    kind: "Kind",
    shape: "Shape",
    parameters: "Params",
    condition_number: "κ",
    stable_rank: "Stable rank",
    sqnr_db: "SQNR",
    extreme_outlier_percentage: "Ext. outliers",
    grade: "Grade",
    risk: "Risk",
  },
  columnHints: {
    label: "Block and sub-structure",
    kind: "What the matrix does",
    shape: "Shape as stored",
    parameters: "Number of weights",
    condition_number: "Condition number σ₁/σᵣ",
    stable_rank: "Stable rank as a share of the total rank",
    sqnr_db: "Signal to quantization noise of per-tensor INT8",
    extreme_outlier_percentage: "Share of weights outside 3 × IQR",
    grade: "Health, a rule of thumb",
    risk: "50 or 25 for the condition number, plus 3 × extreme outlier %",
  },

  metrics: "Metrics",
  kind: "Kind",
  alsoKnownAs: "Tied with",
  value: "Value",
  random: "Random",
  randomHint: "What a Gaussian matrix of this shape would score, about",
  announce: (label: string, facts: string) => `${label} selected. ${facts}`,
  sections: {
    basic_stats: "Basic statistics",
    spectral: "Spectrum",
    quantization: "Quantization (INT8 per tensor)",
    sparsity: "Sparsity",
    schemes: "Quantization schemes",
  } as Record<string, string>,
  schemes: {
    int8_tensor: "INT8 per tensor",
    int8_channel: "INT8 per channel",
    int8_group128: "INT8, groups of 128",
    int4_channel: "INT4 per channel",
    int4_group128: "INT4, groups of 128",
    nf4_block64: "NF4, blocks of 64",
    fp8_e4m3: "FP8 E4M3 per tensor",
  } as Record<string, string>,
  relativeError: "Error",
  relativeErrorHint: "Squared error as a share of the squared weights: ‖Ŵ − W‖² / ‖W‖²",
  classes: {
    condition_number: (name: string) => name,
    sqnr_db: (name: string) => (name === "safe" ? "safe" : `${name} risk`),
    extreme_outlier_percentage: (name: string) => (name.includes("high") ? `${name} risk` : name),
    stable_rank_percentage: (name: string) => (name === "already efficient" ? name : `${name} potential`),
  } satisfies Record<ClassifiedMetric, (name: string) => string>,
  metricTitles: {
    mean: "Mean",
    std: "Standard deviation",
    min: "Minimum",
    max: "Maximum",
    l2_norm: "L2 norm",
    zeros_percentage: "Zeros",
    nan_count: "NaN weights",
    inf_count: "Infinite weights",
    max_singular_value: "Largest singular value σ₁",
    min_singular_value: "Smallest singular value σᵣ",
    condition_number: "Condition number κ",
    singular_value_ratio: "σᵣ / σ₁",
    stable_rank: "Stable rank",
    stable_rank_percentage: "Stable / total rank",
    effective_rank: "Effective rank",
    total_rank: "Total rank",
    abs_max: "Largest |W|",
    quantization_scale: "Scale",
    quantization_mse: "Mean squared error",
    quantization_mae: "Mean absolute error",
    cosine_similarity: "Cosine similarity",
    sqnr_db: "SQNR",
    dynamic_range: "Dynamic range",
    outlier_percentage: "Outliers",
    outlier_count: "Outlier count",
    extreme_outlier_percentage: "Extreme outliers",
    extreme_outlier_count: "Extreme outlier count",
    "threshold_0.0": "|W| = 0",
    "threshold_1e-6": "|W| ≤ 10⁻⁶",
    "threshold_1e-4": "|W| ≤ 10⁻⁴",
    "threshold_1e-2": "|W| ≤ 10⁻²",
    dead_rows: "Dead rows",
    dead_rows_percentage: "Dead rows (share)",
    dead_columns: "Dead columns",
    dead_columns_percentage: "Dead columns (share)",
    p10: "|W|, 10th percentile",
    p25: "|W|, 25th percentile",
    p50: "|W|, 50th percentile",
    p75: "|W|, 75th percentile",
    p90: "|W|, 90th percentile",
    mean_abs_weight: "Mean |W|",
    median_abs_weight: "Median |W|",
  } as Record<string, string>,
};

/** The catalogue in use. */
export const text = en;

/** The title of a metric; one the catalogue does not know yet reads as its own name. */
export function metricTitle(metric: string): string {
  return text.metricTitles[metric] ?? metric.replaceAll("_", " ");
}

/** Kind, family, shape and type in one line; a kind that only repeats the family is left out. */
export function factsOf(kind = "", family: Family = "other", ...others: (string | undefined)[]): string {
  return [kind === family ? "" : kind, text.family[family], ...others].filter(Boolean).join(" · ");
}
