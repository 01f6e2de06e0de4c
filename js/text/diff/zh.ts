/** 只有微调对比面板才用到的文字：简体中文。 */

import { formatCount, formatNumber, formatPercentage } from "../../format";
import type { en } from "./en";

type Evidence = Record<string, number>;

const touched = (e: Evidence): string =>
  `${formatCount(e.tensors ?? 0)} 个张量中有 ${formatCount(e.changed_tensors ?? 0)} 个改变，占共有权重的 ${formatPercentage(e.changed_parameters_percentage ?? 0)}`;
const size = (e: Evidence): string => `变化量为其范数的 ${formatNumber(e.relative_change ?? Number.NaN)}`;
const rank = (e: Evidence): string => formatPercentage(e.delta_rank_99_percentage ?? Number.NaN);

export const zh: typeof en = {
  scatter: "变化的大小与秩",
  scatterAside: "越靠下方向越少（如 LoRA），越靠右变化越大",
  scatterAbout: (count) =>
    `${formatCount(count)} 个改变的矩阵：横轴为相对变化，纵轴为变化的秩。方向键逐层移动，拖动可筛选。`,
  relativeChange: "相对变化 ‖ΔW‖ / ‖W‖（对数）",
  rankShare: "ΔW 99 % 能量的秩（占总秩 %）",
  distribution: "微调前后的权重",
  spectrum: "微调前后及变化的奇异值谱",
  overlap: "微调前后的输出方向",
  overlapSaid: (overlap, chance, intruders) =>
    `最强方向的重合度为 ${overlap}，随机情形为 ${chance}。${intruders > 0 ? `▼ 微调后有 ${formatCount(intruders)} 个方向与基座的任何方向都不接近。` : "没有新方向。"}`,
  cosine: (base, tuned, value) => `基座 ${base}，微调 ${tuned}：|cos| ${value}`,
  intruder: (index, value) => `方向 ${index} 与基座的任何方向都不接近：最大 ${value}`,
  baseDirections: "基座，由强到弱",
  tunedDirections: "微调后，由强到弱",
  worse: "变差之处",
  worseCount: (count) => `跨入更高风险 ${formatCount(count)} 处`,
  nothingWorse: "没有层进入更高的风险等级或更差的分级。",
  nothingChanged: "没有矩阵改变。",
  nothingDrawn: "改变的矩阵在此均无位置。",
  beforeAfter: "微调前后的指标",
  metric: "指标",
  series: { base: "基座", tuned: "微调后", delta: "ΔW" },
  noMatrix: "该层没有此项：它是向量，或权重含非有限值。",
  nothingInCommon: "两个形状没有可对应的行，因此变化没有数值。",
  statuses: {
    identical: "相同",
    changed: "改变",
    reshaped: "形状改变",
    only_in_base: "仅基座",
    only_in_tuned: "仅微调后",
  },
  columns: {
    status: "状态",
    relative_change: "变化",
    delta_rank_99: "ΔW 的秩",
    subspace_overlap: "重合度",
    intruder_dimensions: "入侵维度",
  },
  status: {
    identical: "该层在两个模型中完全相同。",
    only_in_base: "该层只存在于基座。",
    only_in_tuned: "该层只存在于微调后的模型。",
  },
  patternHint: "此为经验判断。",
  pattern: {
    identical: { name: "完全相同。", sentence: () => "每个权重都一样。" },
    "low-rank": {
      name: "低秩变化：",
      sentence: (e) => `如合并后的 LoRA。${touched(e)}，${size(e)}；变化 99 % 的能量集中在 ${rank(e)} 的秩中。`,
    },
    targeted: { name: "局部变化：", sentence: (e) => `${touched(e)}，${size(e)}。` },
    "full fine-tune": {
      name: "全量微调：",
      sentence: (e) => `${touched(e)}，${size(e)}；变化 99 % 的能量需要 ${rank(e)} 的秩。`,
    },
    retrained: {
      name: "重新训练或已发散：",
      sentence: (e) => `${touched(e)}，与基座的距离已与基座本身相当。`,
    },
    "different architecture": { name: "架构不同：", sentence: () => "两个模型共有的权重不足一半。" },
  },
  metrics: {
    relative_change: "相对变化",
    l2_distance: "距离 ‖ΔW‖",
    cosine_similarity: "余弦相似度",
    mean_absolute_difference: "|ΔW| 均值",
    max_absolute_difference: "|ΔW| 最大值",
    changed_percentage: "不同的权重",
    delta_stable_rank: "ΔW 的稳定秩",
    delta_rank_90: "ΔW 90 % 能量的秩",
    delta_rank_95: "ΔW 95 % 能量的秩",
    delta_rank_99: "ΔW 99 % 能量的秩",
    delta_total_rank: "ΔW 的总秩",
    subspace_overlap: "子空间重合度",
    subspace_overlap_chance: "随机重合度",
    intruder_dimensions: "入侵维度",
    common_rows: "共有行数",
  },
};
