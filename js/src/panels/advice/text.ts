/** The texts of advice and plans, in the language in use. */

import { text } from "../../text";

type AdviceText = (typeof text)["advice"];

/** Looked up at each access, for the language may change. */
export const adviceText: AdviceText = new Proxy({} as AdviceText, { get: (_, key) => Reflect.get(text.advice, key) });
