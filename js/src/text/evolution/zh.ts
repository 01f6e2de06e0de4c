/** 只有检查点演变面板才用到的文字：简体中文。 */

import { formatCount } from "../../domain/format";
import type { en } from "./en";

export const zh: typeof en = {
  checkpoints: "检查点",
  checkpoint: "检查点",
  place: (name, at, count) => `${name}，第 ${formatCount(at)} 个，共 ${formatCount(count)} 个`,
  ofAll: (at, count) => `${formatCount(at)} / ${formatCount(count)}`,
  play: "播放各检查点",
  pause: "暂停",
  previous: "上一个检查点",
  next: "下一个检查点",
  lines: "随检查点的变化",
  linesBy: "每条线代表",
  by: { layer: "层", family: "类别" },
  median: "线为中位数，带为四分位",
  metric: "指标",
  log: "（对数）",
  linesAbout: (layers, checkpoints, metric) =>
    `${formatCount(layers)} 层在 ${formatCount(checkpoints)} 个检查点上的${metric}。方向键逐层移动，拖动可切换检查点。`,
  sparklines: "所选层随检查点的变化",
  course: "走势",
  columns: { first: "较首个", previous: "较上个" },
  metrics: {
    relative_change_to_first: "自首个检查点的变化",
    relative_change_to_previous: "自上个检查点的变化",
  },
};
