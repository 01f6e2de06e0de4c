/** The texts of the dashboard of many checkpoints, in the language in use. */

import { inLanguage, type Language } from "..";
import { en } from "./en";
import { zh } from "./zh";

export const EVOLUTION_CATALOGUES: Record<Language, typeof en> = { en, zh };

/** The catalogue in use; what reads it while it draws is drawn again when the language changes. */
export const evolutionText: typeof en = inLanguage(EVOLUTION_CATALOGUES);
