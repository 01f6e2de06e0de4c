/** Lets the usual panels know the titles and explanations of what only one kind of dashboard has. */

import { type Language, MORE_TITLES } from ".";
import { type Explanation, MORE_EXPLANATIONS } from "./explain";

export type Explained = Record<string, Explanation & { formula?: string }>;

export function extend(
  catalogues: Record<Language, { metrics: Record<string, string> }>,
  explained: Record<Language, Explained>,
): void {
  for (const each of ["en", "zh"] as const) {
    Object.assign(MORE_TITLES[each], catalogues[each].metrics);
    Object.assign(MORE_EXPLANATIONS[each], explained[each]);
  }
}
