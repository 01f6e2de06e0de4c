/** Gives every test the messages of both languages, as a dashboard with `language="auto"` does. */

import { texts } from "../../js/src/text/messages";
import en from "../../weightscope_widget/data/text/en.json";
import zh from "../../weightscope_widget/data/text/zh.json";

texts.value = { en, zh };
