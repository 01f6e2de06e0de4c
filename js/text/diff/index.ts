/** The texts of the dashboard of a fine-tune, in the language in use, and what they add to the usual ones. */

import { type Language, language, MORE_TITLES } from "..";
import { MORE_EXPLANATIONS } from "../explain";
import { en } from "./en";
import { EXPLAINED } from "./explain";
import { zh } from "./zh";

export const DIFF_CATALOGUES: Record<Language, typeof en> = { en, zh };

/** The catalogue in use; what reads it while it draws is drawn again when the language changes. */
export const diffText: typeof en = new Proxy(en, {
  get: (_, key) => Reflect.get(DIFF_CATALOGUES[language.value], key),
});

/** Let the usual panels know the titles and explanations of a change. */
export function extendTexts(): void {
  for (const each of ["en", "zh"] as const) {
    Object.assign(MORE_TITLES[each], DIFF_CATALOGUES[each].metrics);
    Object.assign(MORE_EXPLANATIONS[each], EXPLAINED[each]);
  }
}
