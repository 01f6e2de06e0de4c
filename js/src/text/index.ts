/** The texts of advice and plans, in the language in use. */

import { en } from "./advice/en";
import { zh } from "./advice/zh";
import { language } from "./messages";

export const text: { advice: typeof en } = {
  get advice() {
    return language.value === "zh" ? zh : en;
  },
};
