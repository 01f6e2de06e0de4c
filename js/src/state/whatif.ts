/** Questions asked by dragging: where the classes begin, which scheme quantizes, how much of a spectrum is kept. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { type ClassifiedMetric, DEFAULT_THRESHOLDS, descends } from "../domain/assessment";
import type { Thresholds, ViewState } from "../wire/model";
import type { LinkedTraits } from "./traits";

/** The view of someone who has chosen nothing yet. */
export const DEFAULT_VIEW: ViewState = {
  scheme: "int8_tensor",
  energy: 0.9,
  random: false,
  mapMetric: "condition_number",
  linesMetric: "relative_change_to_first",
  linesBy: "layer",
  panels: null,
};

export interface WhatIf {
  thresholds: ReadonlySignal<Thresholds>;
  /** Whether a threshold is not where the document has it. */
  moved: ReadonlySignal<boolean>;
  /** Move one level of a metric, as far as its neighbours let it. */
  moveThreshold(metric: ClassifiedMetric, index: number, level: number): void;
  /** Put all levels, or one of them, back where the document has them. */
  resetThresholds(metric?: ClassifiedMetric, index?: number): void;
  /** What is remembered with the notebook. */
  view: ReadonlySignal<ViewState>;
  setView(change: Partial<ViewState>): void;
  /** The quantization scheme that SQNR is of. */
  scheme: ReadonlySignal<string>;
}

export function createWhatIf(traits: LinkedTraits): WhatIf {
  const thresholds = traits.linked("thresholds");
  const stored = traits.linked("_view");
  const view = computed<ViewState>(() => ({ ...DEFAULT_VIEW, ...stored.value }));

  const put = (metric: ClassifiedMetric, levels: number[]): void => {
    thresholds.value = { ...thresholds.value, [metric]: levels };
    traits.writeSoon("thresholds", () => thresholds.value);
  };

  return {
    thresholds,
    moved: computed(() => !same(thresholds.value, DEFAULT_THRESHOLDS)),
    moveThreshold: (metric, index, level) => {
      const levels: number[] = [...thresholds.value[metric]];
      const [before, after] = descends(metric)
        ? [levels[index + 1], levels[index - 1]]
        : [levels[index - 1], levels[index + 1]];
      levels[index] = Math.min(after ?? Number.POSITIVE_INFINITY, Math.max(before ?? Number.NEGATIVE_INFINITY, level));
      if (levels[index] !== thresholds.value[metric][index]) put(metric, levels);
    },
    resetThresholds: (metric, index) => {
      if (metric === undefined || index === undefined) {
        thresholds.value = DEFAULT_THRESHOLDS;
        traits.writeSoon("thresholds", () => thresholds.value);
        return;
      }
      const levels: number[] = [...thresholds.value[metric]];
      levels[index] = DEFAULT_THRESHOLDS[metric][index] as number;
      // Its neighbours may have been moved beyond it.
      put(
        metric,
        levels.sort((a, b) => (descends(metric) ? b - a : a - b)),
      );
    },
    view,
    setView: (change) => {
      stored.value = { ...stored.value, ...change };
      // Only what is dragged changes faster than Python can hear of it.
      if ("energy" in change) traits.writeSoon("_view", () => stored.value);
      else traits.write({ _view: stored.value });
    },
    scheme: computed(() => view.value.scheme),
  };
}

const same = (a: Thresholds, b: Thresholds): boolean =>
  (Object.keys(b) as ClassifiedMetric[]).every((metric) =>
    b[metric].every((level, index) => level === a[metric][index]),
  );
