/** What the panels and metrics of a change are, why they matter and when they mislead, in both languages. */

import type { Language } from "..";
import type { Explanation } from "../explain";
import type { Explained } from "../extend";

const FORMULAS: Record<string, string> = {
  "change-scatter": "‖ΔW‖ / ‖W‖,  min k: Σᵢ≤ₖ σᵢ²(ΔW) ≥ 0.99 · Σσᵢ²(ΔW)",
  "delta-spectrum": "ΔW = W_tuned − W_base = U · diag(σ₁ ≥ … ≥ σᵣ) · Vᵀ",
  overlap: "|U₀ᵀ U_t|,  ‖U₀ᵀ U_t‖² / k",
  relative_change: "‖ΔW‖_F / ‖W_base‖_F",
  l2_distance: "‖ΔW‖_F",
  delta_rank: "min k: Σᵢ≤ₖ σᵢ² ≥ p · Σσᵢ²",
  delta_numerical_rank: "#{i: σᵢ(ΔW) > rms(ulp / √12) · (√m + √n)}",
  delta_rounding_percentage: "100 · Σ(ulp² / 12) / ‖ΔW‖_F²",
  delta_stable_rank: "‖ΔW‖_F² / σ₁²(ΔW)",
  subspace_overlap: "‖U₀ᵀ U_t‖_F² / k,  k = 16;  by chance k / m",
  intruder_dimensions: "#{j ≤ 10: maxᵢ |⟨u₀ᵢ, u_tⱼ⟩| < 0.5}",
};

const en: Explained = {
  "change-scatter": {
    what: "Every changed matrix by the size of its change (across) and by how many directions 99 % of the change’s energy takes (upwards).",
    why: "Merged LoRAs lie along the bottom, full fine-tunes high up; a lone point to the right is a layer that was trained harder, or broken.",
    misleads: "Rounding to bf16 or fp16 adds a full-rank floor: a very small low-rank change stored so can lie high.",
  },
  "delta-distribution": {
    what: "The entries before, after and of the change ΔW, as densities.",
    why: "A shift or new tails show what training did to the weights; a narrow ΔW beside wide weights is a gentle fine-tune.",
    misleads:
      "Equal distributions do not mean equal weights: a permutation leaves the first two alone and makes a wide ΔW.",
  },
  "delta-spectrum": {
    what: "Singular values of the base, of the tuned matrix and of ΔW, and how much of the energy their strongest directions hold together; the energy line is of ΔW.",
    why: "The rank at the line is the rank of a LoRA that would hold this share of the change.",
    misleads: "Energy is not quality: the last percents of a change may matter to a task, or be noise.",
  },
  overlap: {
    what: "|cos| between the strongest left singular vectors of base (down) and tuned matrix (across). A bright diagonal: the same directions in the same order.",
    why: "▼ marks intruder dimensions: strong new directions near none of the base’s, which LoRA fine-tunes bring and full ones seldom do; they go with forgetting.",
    misleads:
      "Where neighbouring singular values are nearly equal, single directions mix freely, and the diagonal blurs without any change.",
  },
  worse: {
    what: "Layers that crossed into a riskier class of condition number, SQNR or extreme outliers, or fell to a worse grade.",
    why: "A fine-tune can make a model harder to quantize or to train on; here is where.",
    misleads: "A crossing says nothing of how far: a value may have moved by a hair over a rule-of-thumb line.",
  },
  "before-after": {
    what: "Every metric of the base and of the tuned matrix, and those of the change.",
    why: "It tells which property the fine-tune moved, and whether it crossed a class.",
    misleads: "Equal metrics do not mean equal weights: look at the relative change first.",
  },
  relative_change: {
    what: "The norm of the change, as a share of the base’s norm.",
    why: "Fine-tunes usually move a few per cent; 1 and more means that little of the base is left.",
    misleads: "It has no direction: noise and learning of the same size look alike.",
  },
  l2_distance: {
    what: "The Frobenius norm of the change.",
    why: "It adds up over layers, where shares do not.",
    misleads: "Large layers have large distances.",
  },
  delta_rank: {
    what: "How many of ΔW’s directions hold 90, 95 or 99 % of its energy.",
    why: "A merged LoRA of rank r has at most r; it bounds the adapter that could replace the fine-tune.",
    misleads:
      "Storage in few bits adds rounding of full rank to every change; the numerical rank is of what rises above it.",
  },
  delta_numerical_rank: {
    what: "How many singular values of ΔW lie above where the spectrum of rounding to the storage type ends; ulp is the spacing of that type at each weight.",
    why: "A LoRA that was merged in bf16 or fp16 shows its own rank here, though its rank of 99 % is that of the rounding.",
    misleads:
      "Directions below the rounding are lost: the rank is of what is left. Where some rows are much larger than others, or both models were rounded, some rounding rises above the edge; packed weights in 4 or 8 bits are rounded far more than the type they are read as.",
  },
  delta_rounding_percentage: {
    what: "The energy that one rounding to the storage type puts into a change, as a share of ΔW’s. The coarser of the two models’ types counts.",
    why: "Near 100 % and above, the change is no larger than rounding, and its rank cannot be told.",
    misleads: "It is an expectation: where a change moves few weights by a whole step, less of it is rounding.",
  },
  delta_stable_rank: {
    what: "The stable rank of ΔW: its energy in units of its strongest direction.",
    why: "Low: one or few directions carry the change.",
    misleads: "One strong direction hides many weak ones.",
  },
  subspace_overlap: {
    what: "How much of the space of the 16 strongest output directions is common to both, 0–1.",
    why: "1: the fine-tune works in the base’s own directions. Chance gives k / m.",
    misleads: "Small matrices overlap by chance alone: compare with that value.",
  },
  intruder_dimensions: {
    what: "How many of the ten strongest output directions of the tuned matrix are near none of the base’s.",
    why: "They are new; Shuttleworth et al. (2024) found them with LoRA, and forgetting with them.",
    misleads:
      "The limit of 0.5 is a convention; a matrix with more columns than rows has all directions, and few can intrude.",
  },
};

const zh: Explained = {
  "change-scatter": {
    what: "每个改变的矩阵：横轴为变化的大小，纵轴为变化 99 % 能量所需的方向数。",
    why: "合并后的 LoRA 贴近底部，全量微调位于高处；右侧的孤立点是训练更重或已损坏的层。",
    misleads: "以 bf16 或 fp16 存储会加入满秩的舍入噪声：很小的低秩变化也可能位于高处。",
  },
  "delta-distribution": {
    what: "微调前、微调后以及变化 ΔW 的元素分布（密度）。",
    why: "平移或新的尾部说明训练做了什么；窄的 ΔW 与宽的权重并列，是温和的微调。",
    misleads: "分布相同不等于权重相同：置换不改变前两者，却使 ΔW 很宽。",
  },
  "delta-spectrum": {
    what: "基座、微调后矩阵与 ΔW 的奇异值，以及最强的若干方向共同保留的能量；能量线针对 ΔW。",
    why: "线上的秩就是能容纳这部分变化的 LoRA 的秩。",
    misleads: "能量不等于质量：变化的最后几个百分点可能对任务重要，也可能只是噪声。",
  },
  overlap: {
    what: "基座（纵）与微调后矩阵（横）最强左奇异向量之间的 |cos|。明亮的对角线：方向与次序不变。",
    why: "▼ 标出入侵维度：与基座任何方向都不接近的新强方向，LoRA 常见而全量微调少见，往往伴随遗忘。",
    misleads: "相邻奇异值几乎相等时，单个方向可任意混合，即使没有变化对角线也会模糊。",
  },
  worse: {
    what: "条件数、SQNR 或极端异常值进入更高风险等级的层，以及分级变差的层。",
    why: "微调可能使模型更难量化或更难继续训练；这里列出位置。",
    misleads: "跨线不说明幅度：可能只越过经验阈值一点点。",
  },
  "before-after": {
    what: "基座与微调后矩阵的每项指标，以及变化本身的指标。",
    why: "说明微调改变了哪种性质、是否跨越等级。",
    misleads: "指标相同不等于权重相同：先看相对变化。",
  },
  relative_change: {
    what: "变化的范数与基座范数之比。",
    why: "微调通常只变动百分之几；达到 1 以上说明基座所剩无几。",
    misleads: "它没有方向：同样大小的噪声与学习看起来一样。",
  },
  l2_distance: {
    what: "变化的 Frobenius 范数。",
    why: "可在各层之间累加，而比例不能。",
    misleads: "大的层距离也大。",
  },
  delta_rank: {
    what: "ΔW 中容纳 90、95 或 99 % 能量的方向数。",
    why: "秩为 r 的 LoRA 合并后至多为 r；它界定了可替代该微调的适配器。",
    misleads: "低位数存储会给每个变化加入满秩的舍入；数值秩只计高于舍入的部分。",
  },
  delta_numerical_rank: {
    what: "ΔW 中有多少奇异值高于存储类型舍入噪声的谱边界；ulp 是该类型在每个权重处的间距。",
    why: "以 bf16 或 fp16 合并的 LoRA 在此显示其自身的秩，而其 99 % 能量的秩反映的是舍入。",
    misleads:
      "低于舍入的方向已丢失：这里只是剩余部分的秩。若某些行远大于其他行，或两个模型各自舍入过，部分舍入会高于边界；4 或 8 位打包权重的舍入远大于读出时的类型。",
  },
  delta_rounding_percentage: {
    what: "一次舍入到存储类型给变化带来的能量，占 ΔW 能量的比例；以两个模型中较粗的类型为准。",
    why: "接近或超过 100 % 时，变化不大于舍入，其秩无从判断。",
    misleads: "这是期望值：若变化只使少数权重移动一整步，其中的舍入会更少。",
  },
  delta_stable_rank: {
    what: "ΔW 的稳定秩：以最强方向为单位的能量。",
    why: "低：变化由一个或少数方向承载。",
    misleads: "一个强方向会掩盖许多弱方向。",
  },
  subspace_overlap: {
    what: "两者最强的 16 个输出方向所张空间的共有部分，0–1。",
    why: "1：微调在基座自己的方向上进行。随机情形为 k / m。",
    misleads: "小矩阵仅凭随机也会重合：请与该值比较。",
  },
  intruder_dimensions: {
    what: "微调后矩阵最强的十个输出方向中，与基座任何方向都不接近的个数。",
    why: "它们是新的；Shuttleworth 等（2024）在 LoRA 中发现它们，并伴随遗忘。",
    misleads: "0.5 的界限是约定；列多于行的矩阵已占满所有方向，难有入侵者。",
  },
};

const SAME: Record<string, string> = {
  mean_absolute_difference: "l2_distance",
  max_absolute_difference: "l2_distance",
  changed_percentage: "relative_change",
  delta_rank_90: "delta_rank",
  delta_rank_95: "delta_rank",
  delta_rank_99: "delta_rank",
  delta_total_rank: "delta_rank",
  subspace_overlap_chance: "subspace_overlap",
};

/** With the formulas, and what is explained together with others under its own name, too. */
function complete(explained: Explained): Explained {
  const found: Explained = {};
  for (const [name, said] of Object.entries(explained)) {
    const formula = FORMULAS[name];
    found[name] = formula === undefined ? said : { ...said, formula };
  }
  for (const [name, topic] of Object.entries(SAME)) found[name] = found[topic] as Explanation;
  return found;
}

export const EXPLAINED: Record<Language, Explained> = { en: complete(en), zh: complete(zh) };
