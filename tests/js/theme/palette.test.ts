import { describe, expect, it } from "vitest";
import { GRADE_LEVELS, PALETTES, paletteVariables, type Scheme } from "../../../js/src/theme/palette";

const rgb = (hex: string): number[] => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);

/** Contrast as WCAG 2 defines it, from 1 to 21. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string): number => {
    const [r, g, b] = rgb(hex).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * (r as number) + 0.7152 * (g as number) + 0.0722 * (b as number);
  };
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Degrees on the colour circle. */
function hue(hex: string): number {
  const [r, g, b] = rgb(hex) as [number, number, number];
  return (Math.atan2(Math.sqrt(3) * (g - b), 2 * r - g - b) * 180) / Math.PI;
}

const coloured = (scheme: Scheme): Record<string, string> => ({
  ...PALETTES[scheme].levels,
  ...PALETTES[scheme].families,
});

it("is the document's in a light theme", () => {
  expect(PALETTES.light.levels).toEqual({
    red: "#d62728",
    orange: "#ff7f0e",
    yellow: "#ffdd57",
    green: "#2ca02c",
    blue: "#1f77b4",
  });
  const documented = ["#d62728", "#ff7f0e", "#ffdd57", "#2ca02c", "#1f77b4", "#7f7f7f", "#9467bd", "#8c564b"];
  expect(documented).toEqual(expect.arrayContaining(Object.values(PALETTES.light.families)));
});

it.each(Object.keys(coloured("dark")))("keeps the hue of %s in a dark theme", (name) => {
  const [light, dark] = [coloured("light")[name] as string, coloured("dark")[name] as string];
  if (name === "other")
    expect(new Set(rgb(dark)).size).toBe(1); // grey has none
  else expect(Math.cos(((hue(light) - hue(dark)) * Math.PI) / 180)).toBeGreaterThan(Math.cos(Math.PI / 12));
});

describe("has enough contrast for", () => {
  it.each(Object.entries(coloured("dark")))("%s marks on a dark ground", (_, colour) => {
    expect(contrast(colour, PALETTES.dark.ground)).toBeGreaterThan(4.5);
  });

  it.each(["light", "dark"] as const)("%s text", (scheme) => {
    const { ink, muted, ground } = PALETTES[scheme];
    expect(contrast(ink, ground)).toBeGreaterThan(7);
    expect(contrast(muted, ground)).toBeGreaterThan(4.5);
  });
});

it("tells families apart, and grades by the four levels", () => {
  for (const scheme of ["light", "dark"] as const)
    expect(new Set(Object.values(PALETTES[scheme].families)).size).toBe(4);
  expect(GRADE_LEVELS).toEqual({ Excellent: "green", Good: "yellow", Warning: "orange", Critical: "red" });
});

it("reaches the stylesheet under the names that it uses", () => {
  expect(paletteVariables("light")).toMatchObject({ "--wsw-red": "#d62728", "--wsw-mlp": "#9467bd" });
  expect(Object.keys(paletteVariables("dark"))).toEqual(Object.keys(paletteVariables("light")));
});
