/** Messages of `weightscope_widget/data/text`, rendered as `_shared/messages.py` does; the kernel or the saved page sends them. */

import { signal } from "@preact/signals";
import type en from "../../../weightscope_widget/data/text/en.json";
import {
  formatBytes,
  formatCount,
  formatDecibel,
  formatEstimate,
  formatNumber,
  formatPercentage,
  formatTick,
} from "../domain/format";

type Plural = { one?: string; other: string };

/** The dotted keys of all messages. */
type KeysOf<T> = {
  [K in keyof T & string]: T[K] extends string | Plural ? K : `${K}.${KeysOf<T[K]>}`;
}[keyof T & string];

export type MessageKey = KeysOf<typeof en>;
export type Language = "en" | "zh";
export interface Messages {
  [key: string]: string | Messages;
}

/** The language in use and its messages: one for a page's widget, since each widget has its own copy of this module. */
export const language = signal<Language>("en");
export const messages = signal<Messages>({});

const FORMATS: Record<string, (value: number) => string> = {
  bytes: formatBytes,
  count: formatCount,
  decibel: formatDecibel,
  estimate: formatEstimate,
  number: formatNumber,
  percentage: formatPercentage,
  tick: formatTick,
};

/** A message, or a group of messages, of the language in use; undefined where there is none. */
export function message(key: string): string | Messages | undefined {
  let found: string | Messages | undefined = messages.value;
  for (const part of key.split("."))
    found = typeof found === "object" && Object.hasOwn(found, part) ? found[part] : undefined;
  return found;
}

/** A message with its arguments inserted; what reads it while it draws is drawn again when the language changes. */
export const say = (key: MessageKey, args: Record<string, string | number> = {}): string => render(key, args);

/** A message whose key is computed; its own name where there is none. */
export function render(key: string, args: Record<string, string | number> = {}): string {
  let found = message(key);
  if (typeof found === "object") {
    const category = new Intl.PluralRules(language.value).select(Number(args.count));
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
