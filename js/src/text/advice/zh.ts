/** Advice and plans in Chinese. */

import { formatCount, formatDecibel, formatNumber, formatPercentage } from "../../domain/format";
import type { en } from "./en";

type Evidence = Record<string, number>;

const of = (evidence: Evidence, key: string): number => evidence[key] ?? Number.NaN;
const count = (evidence: Evidence, key = "count"): string => formatCount(of(evidence, key));
const share = (evidence: Evidence, things: string, key = "count"): string =>
  `${count(evidence, "total")} ${things}中的 ${count(evidence, key)} 个`;
const allBut = (evidence: Evidence): string =>
  of(evidence, "count") === 0 ? `全部 ${count(evidence, "total")} 层` : `除了 ${share(evidence, "层")}以外，其余各层`;
const more = (evidence: Evidence, key: string): string =>
  of(evidence, key) > 0 ? `另有 ${count(evidence, key)} 层也需要降低学习率。` : "";
const rank = (evidence: Evidence): string => formatCount(of(evidence, "rank_90"));
const saved = (evidence: Evidence): string =>
  formatPercentage(100 * (1 - of(evidence, "rank_90") / of(evidence, "break_even_rank")));

export const zh: typeof en = {
  title: "建议",
  ruleOfThumb: "以下只是根据权重得出的经验判断，采用之前请在自己的任务上验证。",
  selected: "当前层",
  choose: "选择一层，查看针对它的建议。",
  nothingYet: "这一层暂时没有建议。",
  model: "整个模型",
  modelNothingYet: "整个模型暂时没有建议。",
  topics: { training: "训练", int8: "INT8", compression: "压缩" },
  pressing: "最需要关注：",

  layer: {
    "training.repair_weights": () => "先从较早的检查点恢复这一层，再做其他事：它的权重中有 NaN 或无穷大。",
    "training.scan_again": () => "这一层的分析失败，无法给出建议；原因见它的指标。",
    "training.train_as_usual": () => "照常训练：它的条件数良好。",
    "training.like_random": () => "无需处理：κ 虽大，但同样形状的随机矩阵也是如此。",
    "training.watch": () => "混合精度训练时多加留意：它的条件数比随机矩阵差。",
    "training.lower_learning_rate": () => "降低这一层的学习率，并启用梯度裁剪：它的条件数偏高。",
    "training.keep_fp32": () =>
      "让它保持 FP32（或 BF16），降低学习率，启用梯度裁剪，并检查是否缺少 norm：它的条件数极高。",
    "int8.leave_as_is": () => "保持 16 位：这类层按惯例不做量化。",
    "int8.int8_per_tensor": () => "整个张量共用一个 scale 就够了。",
    "int8.int8_per_channel": () => "改用 per-channel 量化：per-tensor 误差太大，而 per-channel 已经足够。",
    "int8.try_per_channel": () =>
      'per-tensor 误差太大；请用 methods=["all", "schemes"] 重新扫描，看看 per-channel 是否足够。',
    "int8.keep_16bit": () => "保持 16 位，或者先做 clipping 或 SmoothQuant：即使 per-channel，误差也太大。",
    "compression.leave_rank": () => "保持原有的秩：能量分散在许多方向上，压缩收益很小。",
    "compression.rank_like_random": () => "保持原有的秩：它的稳定秩与同样形状的随机矩阵相当。",
    "compression.adapter_only": (evidence) =>
      `适合低秩适配器，但分解成两个因子并不会更小：保留 90 % 的能量需要秩 ${rank(evidence)}。`,
    "compression.low_rank": (evidence) =>
      "rank_90" in evidence
        ? `可以尝试低秩分解或 LoRA：秩 ${rank(evidence)} 就能保留 90 % 的能量，节省 ${saved(evidence)} 的权重；但会损失十分之一的能量，之后需要微调。`
        : "可以尝试低秩分解或 LoRA：能量集中在少数方向上，具体的秩要看奇异值谱。",
  },

  whole: {
    "training.repair_weights": (evidence) => `请先修复：${share(evidence, "层")}含有 NaN 或无穷大的权重。`,
    "training.scan_again": (evidence) => `${share(evidence, "层")}分析失败；原因见它们的指标。`,
    "training.train_as_usual": (evidence) =>
      `照常训练：${count(evidence, "total")} 层中没有一层的条件数明显差于随机矩阵；有 ${count(evidence, "like_random")} 层的 κ 较大，但那只是形状使然。`,
    "training.lower_learning_rate": (evidence) =>
      `降低 ${share(evidence, "层", "lower_learning_rate")}的学习率，并启用梯度裁剪：它们的条件数明显差于随机矩阵。`,
    "training.keep_fp32": (evidence) =>
      `让 ${share(evidence, "层", "keep_fp32")}保持 FP32（或 BF16），并降低学习率：它们的条件数极高。${more(evidence, "lower_learning_rate")}`,
    "training.start_with": (evidence) =>
      `先看这三层：在有风险的 ${count(evidence, "total")} 层中，${formatPercentage(of(evidence, "risk_percentage"))} 的风险集中在它们身上。`,
    "int8.int8_per_tensor": (evidence) => `${allBut(evidence)}用 per-tensor 量化就够了。`,
    "int8.int8_per_channel": (evidence) => `${allBut(evidence)}用 per-channel 量化就够了。`,
    "int8.try_per_channel": (evidence) =>
      `对 ${share(evidence, "层")}来说，per-tensor 误差太大；请用 methods=["all", "schemes"] 重新扫描，看看 per-channel 的结果。`,
    "int8.keep_16bit": (evidence) => `保持 16 位，或者先平滑异常值：对 ${share(evidence, "层")}来说，INT8 太粗。`,
    "compression.leave_rank": (evidence) =>
      `保持原有的秩：${count(evidence, "total")} 个矩阵中，没有一个的秩明显低于随机矩阵。`,
    "compression.low_rank": (evidence) =>
      "saved_percentage" in evidence
        ? `${share(evidence, "个矩阵")}是低秩的；按 90 % 的能量分解成两个因子，可以节省全部权重的 ${formatPercentage(of(evidence, "saved_percentage"))}，之后需要微调。`
        : `${share(evidence, "个矩阵")}是低秩的；能节省多少要看奇异值谱。`,
  },

  evidence: {
    "spectral.condition_number": "κ",
    "baseline.condition_number": "随机矩阵的 κ",
    "quantization.sqnr_db": "INT8 per-tensor",
    "baseline.sqnr_db": "随机矩阵",
    "schemes.int8_channel_sqnr_db": "per-channel",
    "quantization.extreme_outlier_percentage": "极端异常值",
    "spectral.stable_rank_percentage": "稳定秩 / 总秩",
    "baseline.stable_rank_percentage": "随机矩阵",
    rank_90: "保留 90 % 能量的秩",
    break_even_rank: "低于此秩才划算",
    "basic_stats.nan_count": "NaN 权重",
    "basic_stats.inf_count": "无穷大权重",
  },

  plan: "带走这份方案",
  scheme: "量化为",
  planned: (quantized, total, minimum) =>
    `${formatCount(total)} 个矩阵中量化 ${formatCount(quantized)} 个：信噪比至少为 ${formatDecibel(minimum)}，且不是嵌入层、输出头或路由。`,
  sizes: (before, after) => `${before} → ${after}`,
  megabytes: (bytes) => `${formatNumber(bytes / 1e6)} MB`,
  noSchemes: '请用 methods=["all", "schemes"] 扫描，才能制定量化方案。',
  notThisScheme: (tool) => `${tool} 不支持这种量化方案。`,
  ranks: (targets, maximum) =>
    `${formatCount(targets)} 层的 LoRA 秩：保留 90 % 的能量，最大为 ${formatCount(maximum)}。它只说明预算该如何分配，并不是微调真正需要的秩。`,
  noSpectra: "LoRA 秩需要奇异值谱，而这里没有。",
  copy: { bitsandbytes: "复制给 bitsandbytes", llmCompressor: "复制给 llm-compressor", peft: "复制给 PEFT" },
  copied: "已复制",
  notCopied: "浏览器不允许复制，内容如下。",
};
