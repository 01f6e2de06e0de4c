/** Messages of `weightscope_widget/data/text`, rendered as `_shared/messages.py` does; the kernel or the saved page sends them. */

import { computed, signal } from "@preact/signals";
import type en from "../../../weightscope_widget/data/text/en.json";
import {
  formatBytes,
  formatCount,
  formatDecibel,
  formatEstimate,
  formatNumber,
  formatParameters,
  formatPercentage,
  formatScore,
  formatSeconds,
  formatTick,
} from "../domain/format";
import { bare } from "../domain/metrics";
import type { Family, Language, LanguageChoice, Messages } from "../wire/model";

type Plural = { one?: string; other: string };

/** The dotted keys of all messages. */
type KeysOf<T> = {
  [K in keyof T & string]: T[K] extends string | Plural ? K : `${K}.${KeysOf<T[K]>}`;
}[keyof T & string];

export type MessageKey = KeysOf<typeof en>;

/** The language in use and the messages sent: one for a page's widget, since each widget has its own copy of this module. */
export const language = signal<Language>("en");
export const texts = signal<Partial<Record<Language, Messages>>>({});

/** The messages of the language in use, or of another until the kernel has sent them. */
const messages = computed((): Messages => texts.value[language.value] ?? Object.values(texts.value)[0] ?? {});

const FORMATS: Record<string, (value: number) => string> = {
  bytes: formatBytes,
  count: formatCount,
  decibel: formatDecibel,
  estimate: formatEstimate,
  number: formatNumber,
  parameters: formatParameters,
  percentage: formatPercentage,
  score: formatScore,
  seconds: formatSeconds,
  tick: formatTick,
};

/** The language that the person chose, else the browser's where the page speaks it. */
export function detectLanguage(choice: LanguageChoice | undefined): Language {
  if (choice !== undefined && choice !== "auto") return choice;
  const preferred = navigator.language.toLowerCase();
  return Object.keys(texts.peek()).find((sent) => preferred.startsWith(sent)) ?? "en";
}

const get = (group: Messages, key: string): string | Messages | undefined =>
  Object.hasOwn(group, key) ? group[key] : undefined;

/** What was looked up in the messages of a language: panels of ten thousand layers ask for the same few very often. */
const found = new WeakMap<Messages, Map<string, string | Messages | undefined>>();

/** A message, or a group of messages, of the language in use; undefined where there is none. */
export function message(key: string): string | Messages | undefined {
  const all = messages.value;
  const known = found.get(all) ?? new Map<string, string | Messages | undefined>();
  found.set(all, known);
  if (!known.has(key)) known.set(key, lookUp(all, key));
  return known.get(key);
}

function lookUp(all: Messages, key: string): string | Messages | undefined {
  let [group, rest]: [string | Messages | undefined, string] = [all, key];
  // Names may hold dots, as `metrics.threshold_0.0` does.
  while (typeof group === "object" && get(group, rest) === undefined && rest.includes(".")) {
    const dot = rest.indexOf(".");
    group = get(group, rest.slice(0, dot));
    rest = rest.slice(dot + 1);
  }
  return typeof group === "object" ? get(group, rest) : undefined;
}

const plurals = new Map<Language, Intl.PluralRules>();

/** The plural rules of a language; making them takes longer than asking them. */
function pluralRules(of: Language): Intl.PluralRules {
  const rules = plurals.get(of) ?? new Intl.PluralRules(of);
  plurals.set(of, rules);
  return rules;
}

type Arguments = Record<string, string | number>;

/** A message with its arguments inserted; what reads it while it draws is drawn again when the language changes. */
export const say = (key: MessageKey, args: Arguments = {}): string => render(key, args);

/** A message whose key is computed; the key itself where there is none. */
export function render(key: string, args: Arguments = {}): string {
  let found = message(key);
  if (typeof found === "object") {
    const category = pluralRules(language.value).select(Number(args.count));
    found = found[category] ?? found.other;
  }
  if (typeof found !== "string") return key;
  return found.replace(/\{([\w.]+)(?::(@?[\w.]+))?\}/g, (_, name: string, style?: string) => {
    const value = args[name] ?? "";
    if (style === undefined) return String(value);
    if (style.startsWith("@")) return render(style.slice(1), { ...args, count: value });
    return (FORMATS[style] as (value: number) => string)(Number(value));
  });
}

/** The words for a name, from a group of messages; a name without any reads as itself. */
export function named(group: string, name: string): string {
  const found = message(`${group}.${name}`);
  return typeof found === "string" ? found : name.replaceAll("_", " ");
}

/** The title of a metric, by its own name. */
export const metricTitle = (metric: string): string => named("metrics", metric);

/** The title of a metric or of a column. */
export const titleOf = (metric: string): string =>
  metricTitle(metric === "near_zero_percentage" ? "threshold_1e-2" : bare(metric));

/** The words for a class of a metric. */
export const className = (metric: string, name: string): string => named(`page.classes.${metric}`, name);

/** Kind, family, shape and type in one line; a kind that only repeats the family is left out. */
export function factsOf(kind = "", family: Family = "other", ...others: (string | undefined)[]): string {
  return [kind === family ? "" : kind, named("page.family", family), ...others].filter(Boolean).join(" · ");
}
