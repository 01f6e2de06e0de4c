/** Advice and plans in English. Sentences say what to do and why; the figures stand beside them. */

import { formatCount, formatDecibel, formatNumber, formatPercentage } from "../../domain/format";

type Evidence = Record<string, number>;
type Sentence = (evidence: Evidence) => string;

const of = (evidence: Evidence, key: string): number => evidence[key] ?? Number.NaN;
const count = (evidence: Evidence, key = "count"): string => formatCount(of(evidence, key));
const share = (evidence: Evidence, things: string, key = "count"): string =>
  `${count(evidence, key)} of ${count(evidence, "total")} ${things}`;
const allBut = (evidence: Evidence): string =>
  of(evidence, "count") === 0 ? `all ${count(evidence, "total")} layers` : `all but ${share(evidence, "layers")}`;
const more = (evidence: Evidence, key: string, what: string): string =>
  of(evidence, key) > 0 ? ` ${count(evidence, key)} more ${what}.` : "";
const rank = (evidence: Evidence): string => formatCount(of(evidence, "rank_90"));
const saved = (evidence: Evidence): string =>
  formatPercentage(100 * (1 - of(evidence, "rank_90") / of(evidence, "break_even_rank")));

export const en = {
  title: "Advice",
  ruleOfThumb: "Rules of thumb from the weights alone; test on your task before you rely on them.",
  selected: "This layer",
  choose: "Choose a layer to see what to do about it.",
  nothingYet: "Nothing to say of this layer yet.",
  model: "The model",
  modelNothingYet: "Nothing to say of the model yet.",
  topics: { training: "Training", int8: "INT8", compression: "Compression" },
  pressing: "Most pressing:",

  layer: {
    "training.repair_weights": () =>
      "Restore it from an earlier checkpoint before anything else: it has weights that are NaN or infinite.",
    "training.scan_again": () => "Its analysis failed, so nothing can be said of it; its metrics say why.",
    "training.train_as_usual": () => "Train it as usual: it is well conditioned.",
    "training.like_random": () => "Nothing to do: κ is large, but no larger than chance gives at this shape.",
    "training.watch": () =>
      "Keep an eye on it in mixed precision: it is less well conditioned than chance would have it.",
    "training.lower_learning_rate": () => "Lower its learning rate and clip gradients: it is ill-conditioned.",
    "training.keep_fp32": () =>
      "Keep it in FP32 (or BF16), lower its learning rate, clip gradients, and check for a missing norm: it is very ill-conditioned.",
    "int8.leave_as_is": () => "Leave it in 16 bits, as is common practice for layers of its kind.",
    "int8.int8_per_tensor": () => "One scale for the whole tensor is fine.",
    "int8.int8_per_channel": () =>
      "Use a scale per channel: one for the whole tensor loses too much, and this is enough.",
    "int8.try_per_channel": () =>
      'One scale for the whole tensor loses too much; scan with methods=["all", "schemes"] to see whether one per channel is enough.',
    "int8.keep_16bit": () =>
      "Keep it in 16 bits, or clip or smooth its outliers first: even a scale per channel loses too much.",
    "compression.leave_rank": () =>
      "Leave its rank: its energy is spread over many directions, so there is little to gain.",
    "compression.rank_like_random": () => "Leave its rank: its stable rank is what chance gives at this shape.",
    "compression.adapter_only": (evidence) =>
      `An adapter of low rank suits it, but two factors would not be smaller: 90 % of its energy takes rank ${rank(evidence)}.`,
    "compression.low_rank": (evidence) =>
      "rank_90" in evidence
        ? `Try two factors or LoRA: rank ${rank(evidence)} holds 90 % of its energy and saves ${saved(evidence)} of its weights; fine-tune afterwards, for a tenth of the energy is lost.`
        : "Try two factors or LoRA: its energy is in few directions; its spectrum says in how many.",
  } as Record<string, Sentence>,

  whole: {
    "training.repair_weights": (evidence) =>
      `Repair these first: ${share(evidence, "layers")} have weights that are NaN or infinite.`,
    "training.scan_again": (evidence) => `The analysis of ${share(evidence, "layers")} failed; their metrics say why.`,
    "training.train_as_usual": (evidence) =>
      `Train as usual: none of ${count(evidence, "total")} layers is ill-conditioned beyond chance; ${count(evidence, "like_random")} have a large κ for their shape alone.`,
    "training.lower_learning_rate": (evidence) =>
      `Lower the learning rate of ${share(evidence, "layers", "lower_learning_rate")} and clip gradients: they are ill-conditioned beyond chance.`,
    "training.keep_fp32": (evidence) =>
      `Keep ${share(evidence, "layers", "keep_fp32")} in FP32 (or BF16), with a lower learning rate: they are very ill-conditioned.${more(evidence, "lower_learning_rate", "should have a lower learning rate")}`,
    "training.start_with": (evidence) =>
      `Start with three layers: they hold ${formatPercentage(of(evidence, "risk_percentage"))} of the risk of the ${count(evidence, "total")} that have any.`,
    "int8.int8_per_tensor": (evidence) => `One scale per tensor is fine for ${allBut(evidence)}.`,
    "int8.int8_per_channel": (evidence) => `A scale per channel is fine for ${allBut(evidence)}.`,
    "int8.try_per_channel": (evidence) =>
      `One scale per tensor loses too much of ${share(evidence, "layers")}; scan with methods=["all", "schemes"] to see what one per channel gives.`,
    "int8.keep_16bit": (evidence) =>
      `Stay in 16 bits, or smooth outliers first: INT8 is too coarse for ${share(evidence, "layers")}.`,
    "compression.leave_rank": (evidence) =>
      `Leave the ranks: none of ${count(evidence, "total")} matrices is of low rank beyond what chance gives.`,
    "compression.low_rank": (evidence) =>
      "saved_percentage" in evidence
        ? `${share(evidence, "matrices")} are of low rank; as two factors with 90 % of the energy, they would save ${formatPercentage(of(evidence, "saved_percentage"))} of all weights, and need fine-tuning afterwards.`
        : `${share(evidence, "matrices")} are of low rank; their spectra say how much that saves.`,
  } as Record<string, Sentence>,

  evidence: {
    "spectral.condition_number": "κ",
    "baseline.condition_number": "κ by chance",
    "quantization.sqnr_db": "INT8 per tensor",
    "baseline.sqnr_db": "by chance",
    "schemes.int8_channel_sqnr_db": "per channel",
    "quantization.extreme_outlier_percentage": "extreme outliers",
    "spectral.stable_rank_percentage": "stable / total rank",
    "baseline.stable_rank_percentage": "by chance",
    rank_90: "rank of 90 % energy",
    break_even_rank: "worth it below rank",
    "basic_stats.nan_count": "NaN weights",
    "basic_stats.inf_count": "infinite weights",
  } as Record<string, string>,

  plan: "Take the plan with you",
  scheme: "Quantize to",
  planned: (quantized: number, total: number, minimum: number) =>
    `${formatCount(quantized)} of ${formatCount(total)} matrices quantized: those that keep at least ${formatDecibel(minimum)}, without embeddings, heads and routers.`,
  sizes: (before: string, after: string) => `${before} → ${after}`,
  megabytes: (bytes: number) => `${formatNumber(bytes / 1e6)} MB`,
  noSchemes: 'Scan with methods=["all", "schemes"] to plan a quantization.',
  notThisScheme: (tool: string) => `${tool} does not have this scheme.`,
  ranks: (targets: number, maximum: number) =>
    `LoRA ranks of ${formatCount(targets)} ${targets === 1 ? "layer" : "layers"}: what holds 90 % of their energy, at most ${formatCount(maximum)}. They say how to spread a budget, not what a fine-tune needs.`,
  noSpectra: "LoRA ranks need the spectra, which are not here.",
  copy: { bitsandbytes: "Copy for bitsandbytes", llmCompressor: "Copy for llm-compressor", peft: "Copy for PEFT" },
  copied: "Copied",
  notCopied: "The browser did not let it be copied; here it is.",
};
