/** Texts that only the panels of an evolution have, in English. */

import { formatCount } from "../../domain/format";

export const en = {
  checkpoints: "Checkpoints",
  checkpoint: "Checkpoint",
  place: (name: string, at: number, count: number) => `${name}, ${formatCount(at)} of ${formatCount(count)}`,
  ofAll: (at: number, count: number) => `${formatCount(at)} of ${formatCount(count)}`,
  play: "Play the checkpoints",
  pause: "Pause",
  previous: "Previous checkpoint",
  next: "Next checkpoint",
  lines: "Over the checkpoints",
  linesBy: "A line for each",
  by: { layer: "Layers", family: "Families" },
  median: "line: median, band: quartiles",
  metric: "Metric",
  log: " (log)",
  linesAbout: (layers: number, checkpoints: number, metric: string) =>
    `${metric} of ${formatCount(layers)} layers over ${formatCount(checkpoints)} checkpoints. Arrow keys walk the layers; drag to move through the checkpoints.`,
  sparklines: "The selected layer over the checkpoints",
  course: "Course",
  columns: { first: "Δ first", previous: "Δ previous" },
  metrics: {
    relative_change_to_first: "Change since the first",
    relative_change_to_previous: "Change since the previous",
  } as Record<string, string>,
};
