/** A threshold that can be dragged: a line across a chart, moved with the pointer or the arrow keys. */

import { type ClassifiedMetric, DEFAULT_THRESHOLDS } from "../domain/assessment";
import { formatLevel } from "../domain/metrics";
import { useView } from "../state/context";
import { named, say } from "../text/messages";
import { follow } from "./handle";

interface Scale {
  (value: number): number;
  invert(position: number): number;
}

interface Props {
  metric: ClassifiedMetric;
  /** Which of the metric's levels. */
  index: number;
  /** The axis that the metric is on. */
  axis: "x" | "y";
  scale: Scale;
  /** Where the line begins and ends, across the axis. */
  from: number;
  to: number;
  /** The ends of the axis, beyond which the line is not drawn. */
  ends: readonly [number, number];
  /** Whether the level is written beside the line. */
  labelled?: boolean;
}

/** How much an arrow key moves a level: a factor, or an amount. */
const STEPS: Record<ClassifiedMetric, (level: number, direction: number) => number> = {
  condition_number: (level, direction) => level * 10 ** (direction / 10),
  extreme_outlier_percentage: (level, direction) => level * 10 ** (direction / 10),
  sqnr_db: (level, direction) => level + 0.5 * direction,
  stable_rank_percentage: (level, direction) => level + direction,
};

/** A level as a person would have written it: three digits, or tenths. */
const ROUNDED: Record<ClassifiedMetric, (level: number) => number> = {
  condition_number: (level) => Math.max(1, Number(level.toPrecision(3))),
  extreme_outlier_percentage: (level) => Math.min(100, Math.max(0.001, Number(level.toPrecision(2)))),
  sqnr_db: (level) => Math.round(level * 10) / 10,
  stable_rank_percentage: (level) => Math.min(100, Math.max(0, Math.round(level * 2) / 2)),
};

export function ThresholdLine({ metric, index, axis, scale, from, to, ends, labelled = false }: Props) {
  const { store } = useView();
  const level = store.thresholds.value[metric][index] as number;
  const at = scale(level);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  if (!(at >= low - 0.5 && at <= high + 0.5)) return null;
  const line = axis === "x" ? { x1: at, x2: at, y1: from, y2: to } : { y1: at, y2: at, x1: from, x2: to };
  const move = (value: number): void => store.moveThreshold(metric, index, ROUNDED[metric](value));

  const onKeyDown = (event: KeyboardEvent): void => {
    const direction = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
    if (direction !== undefined) move(STEPS[metric](level, direction));
    else if (event.key === "Home" || event.key === "Delete") store.resetThresholds(metric, index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const [before, after] = [store.thresholds.value[metric][index - 1], store.thresholds.value[metric][index + 1]];
  const bounds = [before, after].filter((bound) => bound !== undefined);
  const value = formatLevel(metric, level);
  return (
    <g class="wsw-threshold" data-axis={axis} data-metric={metric} data-index={index}>
      <line class="wsw-threshold-line" {...line} />
      {labelled && (
        <text
          x={axis === "x" ? at + 4 : Math.max(from, to) - 4}
          y={axis === "x" ? Math.max(from, to) - 6 : at - 4}
          text-anchor={axis === "x" ? "start" : "end"}
        >
          {value}
        </text>
      )}
      <line
        class="wsw-threshold-handle"
        {...line}
        role="slider"
        tabindex={0}
        aria-label={say("page.threshold", { title: named("metrics", metric) ?? metric })}
        aria-orientation={axis === "x" ? "horizontal" : "vertical"}
        aria-valuenow={level}
        aria-valuemin={Math.min(...bounds.filter((bound) => bound < level), level)}
        aria-valuemax={Math.max(...bounds.filter((bound) => bound > level), level)}
        aria-valuetext={value}
        onPointerDown={(event) => follow(event, axis, ends, (position) => move(scale.invert(position)))}
        onDblClick={() => store.resetThresholds(metric, index)}
        onKeyDown={onKeyDown}
      >
        <title>
          {say("page.thresholdHint", {
            level: value,
            usual: formatLevel(metric, DEFAULT_THRESHOLDS[metric][index] as number),
          })}
        </title>
      </line>
    </g>
  );
}
