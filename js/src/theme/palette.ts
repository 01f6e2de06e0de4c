/** The colours of `data/rules.json`; each has one meaning, and the dark ones keep the hue. */

import rules from "../../../weightscope_widget/data/rules.json";
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

const palette = (colours: (typeof rules.palette)[Scheme]): Palette => ({ ...colours, ramp: blend(colours.ramp) });

export const PALETTES: Record<Scheme, Palette> = {
  light: palette(rules.palette.light),
  dark: palette(rules.palette.dark),
};

export const GRADE_LEVELS = Object.fromEntries(rules.grades.map(({ name, colour }) => [name, colour])) as Record<
  Grade,
  Level
>;

/** The palette as custom properties, so that the stylesheet and the canvas share one source. */
export function paletteVariables(scheme: Scheme): Record<string, string> {
  const { levels, families, ramp: _ramp, series: _series, ...plain } = PALETTES[scheme];
  const named = { ...levels, ...families, ...plain };
  return Object.fromEntries(Object.entries(named).map(([name, colour]) => [`--wsw-${name}`, colour]));
}
