/**
 * What kind of change separates two models, in a sentence, in both languages.
 *
 * Python says the same in English (`weightscope_widget/comparison/kinds/sentence.py`); both are held to
 * `tests/fixtures/pattern_cases.json`.
 */

import { formatCount, formatNumber, formatPercentage } from "../../domain/format";

/** As `Pattern.evidence` in Python; what is not finite does not travel. */
export type Evidence = Readonly<Record<string, number | undefined>>;

export interface PatternWords {
  /** How the sentence of each pattern begins. */
  heads: Record<string, string>;
  /** How it goes on. */
  reason: (name: string, evidence: Evidence) => string;
  /** What there is besides the tensors that changed, each a sentence. */
  asides: (evidence: Evidence) => string[];
}

const FEW = 25; // per cent of the rank, as in Python
const MOST = 50; // per cent of the changed weights

const ASIDES = [
  ...(["unmatched_tensors", "unlike_tensors", "resized_tensors", "recoded_tensors"] as const),
  ...(["failed_tensors", "broken_tensors"] as const),
];

const count = (e: Evidence, key: string): number => e[key] ?? 0;
const number = (e: Evidence, key: string): string => formatNumber(e[key] ?? Number.NaN);
const share = (e: Evidence, key: string): string => formatPercentage(e[key] ?? Number.NaN);

const asides =
  (said: Record<(typeof ASIDES)[number], (count: number) => string>) =>
  (e: Evidence): string[] =>
    ASIDES.filter((key) => count(e, key) > 0).map((key) => said[key](count(e, key)));

/** What is to be said of the ranks of a change. */
function rankOf(name: string, e: Evidence): "held" | "above" | "lost" | "takes" | "none" {
  const rank = e.delta_rank_99_percentage;
  if (name === "low-rank") return rank !== undefined && rank <= FEW ? "held" : "above";
  if (count(e, "unresolved_percentage") >= MOST) return "lost";
  return name === "full fine-tune" && rank !== undefined ? "takes" : "none";
}

const saysLowRank = (name: string, e: Evidence): boolean =>
  name !== "low-rank" && rankOf(name, e) !== "lost" && count(e, "low_rank_tensors") > 0;

const tensors = (many: number): string => `${formatCount(many)} ${many === 1 ? "tensor" : "tensors"}`;
const are = (one: string, several: string) => (many: number) => `${tensors(many)} ${many === 1 ? one : several}.`;

export const EN: PatternWords = {
  heads: {
    identical: "The models are identical:",
    "low-rank": "A low-rank change, as a merged LoRA makes:",
    targeted: "A targeted change:",
    "full fine-tune": "A full fine-tune:",
    retrained: "Retrained, or diverged:",
    "different architecture": "Different architectures:",
  },
  reason: (name, e) => {
    if (name === "different architecture") return "they share less than half of their weights.";
    if (!count(e, "changed_tensors"))
      return name === "identical" ? "every weight is the same." : "every shared weight is the same.";
    const touched = `${formatCount(count(e, "changed_tensors"))} of ${tensors(count(e, "tensors"))} changed, with ${share(e, "changed_parameters_percentage")} of the shared weights`;
    if (name === "retrained")
      return `${touched}${count(e, "broken_tensors") ? "" : ", and these are as far from the base as the base is large"}.`;
    const rank = {
      held: `; 99 % of the energy of a change is in ${share(e, "delta_rank_99_percentage")} of the rank (median)`,
      above: `; what of a change rises above rounding is in ${share(e, "delta_numerical_rank_percentage")} of the rank (median)`,
      lost: "; most of it is no larger than rounding to the storage type, so its rank cannot be told",
      takes: `; 99 % of the energy of a change takes ${share(e, "delta_rank_99_percentage")} of the rank (median)`,
      none: "",
    }[rankOf(name, e)];
    const low = `; of ${tensors(count(e, "low_rank_tensors"))}, with ${share(e, "low_rank_percentage")} of the changed weights, it is low-rank`;
    return `${touched}, by ${number(e, "relative_change")} of their norm${rank}${saysLowRank(name, e) ? low : ""}.`;
  },
  asides: asides({
    unmatched_tensors: are("is in one model only", "are in one model only"),
    unlike_tensors: are("has shapes with nothing in common", "have shapes with nothing in common"),
    resized_tensors: are("was only resized", "were only resized"),
    recoded_tensors: are("differs in bits alone, not in value", "differ in bits alone, not in value"),
    failed_tensors: are("could not be compared", "could not be compared"),
    broken_tensors: are("holds NaN or infinite weights", "hold NaN or infinite weights"),
  }),
};

export const ZH: PatternWords = {
  heads: {
    identical: "两个模型完全相同：",
    "low-rank": "低秩变化，如合并后的 LoRA：",
    targeted: "局部变化：",
    "full fine-tune": "全量微调：",
    retrained: "重新训练或已发散：",
    "different architecture": "架构不同：",
  },
  reason: (name, e) => {
    if (name === "different architecture") return "两个模型共有的权重不足一半。";
    if (!count(e, "changed_tensors")) return name === "identical" ? "每个权重都一样。" : "共有的权重全都一样。";
    const touched = `${formatCount(count(e, "tensors"))} 个张量中有 ${formatCount(count(e, "changed_tensors"))} 个改变，占共有权重的 ${share(e, "changed_parameters_percentage")}`;
    if (name === "retrained")
      return `${touched}${count(e, "broken_tensors") ? "" : "，与基座的距离已与基座本身相当"}。`;
    const rank = {
      held: `；变化 99 % 的能量集中在 ${share(e, "delta_rank_99_percentage")} 的秩中（中位数）`,
      above: `；变化中高于舍入的部分集中在 ${share(e, "delta_numerical_rank_percentage")} 的秩中（中位数）`,
      lost: "；大部分变化不大于存储类型的舍入，因此其秩无从判断",
      takes: `；变化 99 % 的能量需要 ${share(e, "delta_rank_99_percentage")} 的秩（中位数）`,
      none: "",
    }[rankOf(name, e)];
    const low = `；其中 ${formatCount(count(e, "low_rank_tensors"))} 个张量（占改变权重的 ${share(e, "low_rank_percentage")}）的变化是低秩的`;
    return `${touched}，变化量为其范数的 ${number(e, "relative_change")}${rank}${saysLowRank(name, e) ? low : ""}。`;
  },
  asides: asides({
    unmatched_tensors: (many) => `${formatCount(many)} 个张量只存在于其中一个模型。`,
    unlike_tensors: (many) => `${formatCount(many)} 个张量在两个模型中的形状没有可对应之处。`,
    resized_tensors: (many) => `${formatCount(many)} 个张量只是改变了大小。`,
    recoded_tensors: (many) => `${formatCount(many)} 个张量只有位模式不同，数值相同。`,
    failed_tensors: (many) => `${formatCount(many)} 个张量无法比较。`,
    broken_tensors: (many) => `${formatCount(many)} 个张量含 NaN 或无穷大的权重。`,
  }),
};
