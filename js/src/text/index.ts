/** The texts of the page, in the language in use; a catalogue per language, all with the same keys. */

import { signal } from "@preact/signals";
import type { Family, LanguageChoice } from "../wire/model";
import { type Catalogue, en } from "./en";
import { zh } from "./zh";

export type Language = Exclude<LanguageChoice, "auto">;

export const CATALOGUES: Record<Language, Catalogue> = { en, zh };

/** The language in use: one for a page's widget, since each widget has its own copy of this module. */
export const language = signal<Language>("en");

/** The catalogue in use; what reads it while it draws is drawn again when the language changes. */
export const text: Catalogue = inLanguage(CATALOGUES);

/** Texts in the language in use, of those in all languages. */
export function inLanguage<T extends object>(catalogues: Record<Language, T>): T {
  return new Proxy(catalogues.en, { get: (_, key) => Reflect.get(catalogues[language.value], key) });
}

/** The language that the person chose, else the browser's where the page speaks it. */
export function detectLanguage(choice: LanguageChoice | undefined): Language {
  if (choice === "en" || choice === "zh") return choice;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The title of a metric; one the catalogue does not know yet reads as its own name. */
export function metricTitle(metric: string): string {
  return text.metricTitles[metric] ?? MORE_TITLES[language.value][metric] ?? metric.replaceAll("_", " ");
}

/** Titles of metrics that only some dashboards have. */
export const MORE_TITLES: Record<Language, Record<string, string>> = { en: {}, zh: {} };

/** Kind, family, shape and type in one line; a kind that only repeats the family is left out. */
export function factsOf(kind = "", family: Family = "other", ...others: (string | undefined)[]): string {
  return [kind === family ? "" : kind, text.family[family], ...others].filter(Boolean).join(" · ");
}
