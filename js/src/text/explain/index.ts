/** The explanation of a panel, a section, a metric or a scheme, in the language in use. */

import { type Language, language } from "..";
import { type Explanation, en, type Topic } from "./en";
import { zh } from "./zh";

export type { Explanation, Topic };

/** In plain Unicode, the same in every language. */
export const FORMULAS: Partial<Record<Topic, string>> = {
  "condition-numbers": "log₁₀ κ,  κ = σ₁ / σᵣ",
  "rank-efficiency": "100 · (‖W‖_F² / σ₁²) / min(m, n)",
  health: "100 − {κ > 10⁵: 40; κ > 10⁴: 20} − {p > 10 %: 30; p > 1 %: 15}",
  "singular-values": "W = U · diag(σ₁ ≥ … ≥ σᵣ) · Vᵀ,  σ_edge = s · (√m + √n)",
  schemes: "‖Ŵ − W‖² / ‖W‖² = 10^(−SQNR/10)",
  risk: "{κ > 10⁵: 50; κ > 10⁴: 25} + 3 · p",
  mean: "Σw / N",
  std: "√(Σ(w − w̄)² / (N − 1))",
  l2_norm: "‖W‖_F = √Σw² = √Σσᵢ²",
  max_singular_value: "σ₁ = max ‖Wx‖ / ‖x‖",
  min_singular_value: "σᵣ,  r = min(m, n)",
  condition: "κ = σ₁ / σᵣ",
  stable_rank: "‖W‖_F² / σ₁²",
  stable_rank_percentage: "100 · (‖W‖_F² / σ₁²) / min(m, n)",
  effective_rank: "#{σᵢ > 0.01 · σ₁}",
  total_rank: "min(m, n)",
  scale: "scale = max|W| / 127",
  quantization_error: "Σ(ŵ − w)² / N,  Σ|ŵ − w| / N",
  cosine_similarity: "⟨W, Ŵ⟩ / (‖W‖ · ‖Ŵ‖)",
  sqnr_db: "10 · log₁₀(ΣW² / Σ(Ŵ − W)²)",
  dynamic_range: "max|W| / mean|W|",
  outliers: "w ∉ [Q1 − 1.5 · IQR, Q3 + 1.5 · IQR]",
  extreme_outliers: "w ∉ [Q1 − 3 · IQR, Q3 + 3 · IQR]",
  small_weights: "100 · #{|w| ≤ t} / N",
  typical_magnitude: "mean|W|,  median|W|",
  int8_tensor: "scale = max|W| / 127",
  int8_channel: "scaleᵢ = maxⱼ|wᵢⱼ| / 127",
  int4_channel: "scaleᵢ = maxⱼ|wᵢⱼ| / 7",
  fp8_e4m3: "scale = max|W| / 448",
};

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

/** Explanations that only some dashboards have, by panel or metric. */
export const MORE_EXPLANATIONS: Record<Language, Record<string, Explanation & { formula?: string }>> = {
  en: {},
  zh: {},
};

export function explanationOf(name: string): (Explanation & { formula?: string | undefined }) | null {
  const more = MORE_EXPLANATIONS[language.value];
  if (Object.hasOwn(more, name)) return more[name] as Explanation;
  const topic = topicOf(name);
  return topic && { ...EXPLANATIONS[language.value][topic], formula: FORMULAS[topic] };
}
