/** The explanation of a panel, a section, a metric or a scheme, in the language in use. */

import { type Language, language } from "..";
import { type Explanation, en, type Topic } from "./en";
import { zh } from "./zh";

export type { Explanation, Topic };

export const EXPLANATIONS: Record<Language, Record<Topic, Explanation>> = { en, zh };

/** What is explained together with others, by the topic that explains it; all else is a topic of its own name. */
const TOPICS: Record<string, Topic> = {
  min: "extremes",
  max: "extremes",
  zeros_percentage: "zeros",
  nan_count: "non_finite",
  inf_count: "non_finite",
  condition_number: "condition",
  singular_value_ratio: "condition",
  abs_max: "scale",
  quantization_scale: "scale",
  quantization_mse: "quantization_error",
  quantization_mae: "quantization_error",
  outlier_percentage: "outliers",
  outlier_count: "outliers",
  extreme_outlier_percentage: "extreme_outliers",
  extreme_outlier_count: "extreme_outliers",
  "threshold_0.0": "zeros",
  "threshold_1e-6": "small_weights",
  "threshold_1e-4": "small_weights",
  "threshold_1e-2": "small_weights",
  dead_rows: "dead",
  dead_rows_percentage: "dead",
  dead_columns: "dead",
  dead_columns_percentage: "dead",
  p10: "percentiles",
  p25: "percentiles",
  p50: "percentiles",
  p75: "percentiles",
  p90: "percentiles",
  mean_abs_weight: "typical_magnitude",
  median_abs_weight: "typical_magnitude",
  grade: "health",
  int8_group128: "grouped",
  int4_group128: "grouped",
};

/** The topic that explains something; null where nothing does. */
export function topicOf(name: string): Topic | null {
  if (Object.hasOwn(TOPICS, name)) return TOPICS[name] as Topic;
  return Object.hasOwn(en, name) ? (name as Topic) : null;
}

export function explanationOf(name: string): Explanation | null {
  const topic = topicOf(name);
  return topic && EXPLANATIONS[language.value][topic];
}
