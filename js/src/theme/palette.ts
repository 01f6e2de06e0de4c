/** The few colours, each with one meaning; the dark variants keep the hue and gain contrast on a dark ground. */

import type { Grade, Level } from "../domain/assessment";
import type { Family } from "../wire/model";

export type Scheme = "light" | "dark";

interface Palette {
  levels: Record<Level, string>;
  families: Record<Family, string>;
  ink: string;
  muted: string;
  line: string;
  ground: string;
  danger: string;
  /** From little to much, for metrics that have no classes. */
  ramp: readonly string[];
  /** Layers compared with each other; the first is the usual one's. */
  series: readonly string[];
}

/** A ramp of 32 colours through some. */
function blend(stops: readonly string[]): string[] {
  const channels = stops.map((stop) => [1, 3, 5].map((at) => Number.parseInt(stop.slice(at, at + 2), 16)));
  return Array.from({ length: 32 }, (_, index) => {
    const at = (index / 31) * (stops.length - 1);
    const from = Math.min(Math.floor(at), stops.length - 2);
    const [start, end] = [channels[from] as number[], channels[from + 1] as number[]];
    return `rgb(${start.map((low, channel) => Math.round(low + (at - from) * ((end[channel] as number) - low)))})`;
  });
}

export const PALETTES: Record<Scheme, Palette> = {
  light: {
    levels: { red: "#d62728", orange: "#ff7f0e", yellow: "#ffdd57", green: "#2ca02c", blue: "#1f77b4" },
    families: { attention: "#1f77b4", mlp: "#9467bd", embedding: "#8c564b", other: "#7f7f7f" },
    ink: "#1c1e21",
    muted: "#5f6670",
    line: "#dfe2e6",
    ground: "#ffffff",
    danger: "rgba(214, 39, 40, 0.07)",
    ramp: blend(["#e6eef6", "#1f77b4", "#0a2c4d"]),
    series: ["#1f77b4", "#d95f02", "#2ca02c", "#9467bd", "#8c564b", "#c51b7d"],
  },
  dark: {
    levels: { red: "#ff6b6b", orange: "#ff9f45", yellow: "#ffe17a", green: "#5fc95f", blue: "#5aa9e6" },
    families: { attention: "#5aa9e6", mlp: "#b995e0", embedding: "#c98f80", other: "#a6a6a6" },
    ink: "#e8eaed",
    muted: "#a2a9b3",
    line: "#3a3f46",
    ground: "#15171a",
    danger: "rgba(255, 107, 107, 0.11)",
    ramp: blend(["#223140", "#5aa9e6", "#e2f1fd"]),
    series: ["#5aa9e6", "#ff9f45", "#5fc95f", "#b995e0", "#c98f80", "#f28ac2"],
  },
};

export const GRADE_LEVELS: Record<Grade, Level> = {
  Excellent: "green",
  Good: "yellow",
  Warning: "orange",
  Critical: "red",
};

/** The palette as custom properties, so that the stylesheet and the canvas share one source. */
export function paletteVariables(scheme: Scheme): Record<string, string> {
  const { levels, families, ramp: _ramp, series: _series, ...plain } = PALETTES[scheme];
  const named = { ...levels, ...families, ...plain };
  return Object.fromEntries(Object.entries(named).map(([name, colour]) => [`--wsw-${name}`, colour]));
}
