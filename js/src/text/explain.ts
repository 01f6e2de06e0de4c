/** The explanation of a panel, a section, a metric or a scheme, in the language in use. */

import { formulas, topics } from "../../../weightscope_widget/data/explain.json";
import { message } from "./messages";

export interface Explanation {
  what: string;
  why: string;
  misleads: string;
  /** In plain Unicode, the same in every language. */
  formula?: string | undefined;
}

const own = (record: Record<string, string>, name: string): string | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** Null where nothing explains it; metrics that are explained together share a topic. */
export function explanationOf(name: string): Explanation | null {
  const topic = own(topics, name) ?? name;
  const found = topic && message(`explain.${topic}`);
  return typeof found === "object" ? { ...(found as unknown as Explanation), formula: own(formulas, topic) } : null;
}
