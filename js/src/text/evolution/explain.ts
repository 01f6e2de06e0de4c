/** What the panels and metrics of an evolution are, why they matter and when they mislead, in both languages. */

import type { Language } from "..";
import type { Explained } from "../extend";

const FIRST = "‖W_t − W_0‖_F / ‖W_0‖_F";
const PREVIOUS = "‖W_t − W_{t−1}‖_F / ‖W_{t−1}‖_F";

export const EXPLAINED: Record<Language, Explained> = {
  en: {
    lines: {
      what: "A metric of every layer over the checkpoints, or the median of each family with the band from the first to the third quartile.",
      why: "A line that leaves the others is a layer that trains differently: one that diverges, freezes or collapses shows here first.",
      misleads: "Checkpoints stand at even distances, however many steps of training lie between them.",
    },
    sparklines: {
      what: "Every metric of the selected layer over the checkpoints: the first value, the course, and the value at the checkpoint that is drawn.",
      why: "It tells when a layer changed, and which of its properties.",
      misleads:
        "Each line fills its own height: a tiny wobble looks as large as a collapse. Compare the numbers beside it.",
    },
    relative_change_to_first: {
      what: "The norm of the change since the first checkpoint, as a share of that checkpoint’s norm.",
      why: "It grows while a layer learns, stays at zero where it is frozen, and jumps where training diverges.",
      misleads: "A random walk grows too: the change is no proof of learning.",
      formula: FIRST,
    },
    relative_change_to_previous: {
      what: "The norm of the change since the checkpoint before, as a share of that one’s norm.",
      why: "It shows the pace: it should fall as the learning rate does.",
      misleads: "It depends on how far apart the checkpoints are.",
      formula: PREVIOUS,
    },
  },
  zh: {
    lines: {
      what: "各层某一指标随检查点的变化；或每个类别的中位数及第一至第三四分位的带。",
      why: "偏离其他线的层训练得与众不同：发散、冻结或坍缩最先在这里看到。",
      misleads: "检查点等距排列，与其间训练了多少步无关。",
    },
    sparklines: {
      what: "所选层每项指标随检查点的变化：首个值、走势，以及当前检查点的值。",
      why: "说明该层何时改变、改变了哪种性质。",
      misleads: "每条线都占满自己的高度：微小波动看起来与坍缩一样大。请对照旁边的数字。",
    },
    relative_change_to_first: {
      what: "自首个检查点以来变化的范数，与该检查点范数之比。",
      why: "学习时增长，冻结时为零，发散时跳升。",
      misleads: "随机游走也会增长：变化不能证明在学习。",
      formula: FIRST,
    },
    relative_change_to_previous: {
      what: "自上个检查点以来变化的范数，与上个检查点范数之比。",
      why: "表示速度：应随学习率下降。",
      misleads: "它取决于检查点之间的间隔。",
      formula: PREVIOUS,
    },
  },
};
