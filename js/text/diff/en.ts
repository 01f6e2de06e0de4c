/** What only the dashboard of a fine-tune says, in English. */

import { formatCount, formatNumber, formatPercentage } from "../../format";

type Evidence = Record<string, number>;

const touched = (e: Evidence): string =>
  `${formatCount(e.changed_tensors ?? 0)} of ${formatCount(e.tensors ?? 0)} tensors changed, with ${formatPercentage(e.changed_parameters_percentage ?? 0)} of the shared weights`;
const size = (e: Evidence): string => `by ${formatNumber(e.relative_change ?? Number.NaN)} of their norm`;
const rank = (e: Evidence): string => formatPercentage(e.delta_rank_99_percentage ?? Number.NaN);

export const en = {
  scatter: "Size and rank of the change",
  scatterAside: "Down: few directions, as a LoRA’s; right: a larger change",
  scatterAbout: (count: number) =>
    `${formatCount(count)} changed matrices: relative change across, rank of the change upwards. Arrow keys walk them; drag to narrow.`,
  relativeChange: "Relative change ‖ΔW‖ / ‖W‖ (log)",
  rankShare: "Rank of 99 % of ΔW (% of the total)",
  distribution: "Weights before and after",
  spectrum: "Spectra before and after, and of the change",
  overlap: "Output directions before and after",
  overlapSaid: (overlap: string, chance: string, intruders: number) =>
    `The strongest directions overlap by ${overlap}, where chance gives ${chance}. ${intruders > 0 ? `▼ ${formatCount(intruders)} of the tuned matrix’s are near none of the base’s.` : "None is new."}`,
  cosine: (base: number, tuned: number, value: string) => `base ${base}, tuned ${tuned}: |cos| ${value}`,
  intruder: (index: number, value: string) => `Direction ${index} is near none of the base’s: at most ${value}`,
  baseDirections: "Base, strongest first",
  tunedDirections: "Tuned, strongest first",
  worse: "What got worse",
  worseCount: (count: number) => (count === 1 ? "1 class was crossed" : `${formatCount(count)} classes were crossed`),
  nothingWorse: "No layer entered a riskier class or a worse grade.",
  nothingChanged: "No matrix changed.",
  nothingDrawn: "No changed matrix has a place here.",
  beforeAfter: "Metrics before and after",
  metric: "Metric",
  series: { base: "base", tuned: "tuned", delta: "ΔW" },
  noMatrix: "There is no such figure of this layer: a vector, or weights that are not finite.",
  nothingInCommon: "The two shapes have no rows in common, so the change has no figures.",
  statuses: {
    identical: "identical",
    changed: "changed",
    reshaped: "reshaped",
    only_in_base: "base only",
    only_in_tuned: "tuned only",
  },
  columns: {
    status: "Status",
    relative_change: "Change",
    delta_rank_99: "Rank of ΔW",
    subspace_overlap: "Overlap",
    intruder_dimensions: "Intruders",
  },
  status: {
    identical: "This layer is identical in both models.",
    only_in_base: "This layer is in the base only.",
    only_in_tuned: "This layer is in the tuned model only.",
  },
  patternHint: "A rule of thumb.",
  pattern: {
    identical: { name: "Identical.", sentence: (_: Evidence) => "Every weight is the same." },
    "low-rank": {
      name: "A low-rank change,",
      sentence: (e: Evidence) =>
        `as a merged LoRA makes: ${touched(e)}, ${size(e)}; 99 % of a change’s energy is in ${rank(e)} of the rank.`,
    },
    targeted: { name: "A targeted change:", sentence: (e: Evidence) => `${touched(e)}, ${size(e)}.` },
    "full fine-tune": {
      name: "A full fine-tune:",
      sentence: (e: Evidence) => `${touched(e)}, ${size(e)}; 99 % of a change’s energy takes ${rank(e)} of the rank.`,
    },
    retrained: {
      name: "Retrained, or diverged:",
      sentence: (e: Evidence) => `${touched(e)}, and these are as far from the base as the base is large.`,
    },
    "different architecture": {
      name: "Different architectures:",
      sentence: (_: Evidence) => "the models share less than half of their weights.",
    },
  },
  metrics: {
    relative_change: "Relative change",
    l2_distance: "Distance ‖ΔW‖",
    cosine_similarity: "Cosine similarity",
    mean_absolute_difference: "Mean |ΔW|",
    max_absolute_difference: "Largest |ΔW|",
    changed_percentage: "Weights that differ",
    delta_stable_rank: "Stable rank of ΔW",
    delta_rank_90: "Rank of 90 % of ΔW",
    delta_rank_95: "Rank of 95 % of ΔW",
    delta_rank_99: "Rank of 99 % of ΔW",
    delta_total_rank: "Total rank of ΔW",
    subspace_overlap: "Subspace overlap",
    subspace_overlap_chance: "Overlap by chance",
    intruder_dimensions: "Intruder dimensions",
    common_rows: "Rows in common",
  },
};
