/** What kind of change this is, in a sentence with the numbers it rests on; or that it cannot be said yet. */

import { useView } from "../../state/context";
import { language, say } from "../../text/messages";

export function Pattern() {
  const { store } = useView();
  const { pattern, progress } = store.table.value;
  if (!pattern)
    return (
      <p class="wsw-pattern wsw-muted" role="status">
        {progress.state === "running" ? say("change.patternPending") : say("change.patternUnknown")}
      </p>
    );
  const sentence = pattern[language.value] ?? pattern.en ?? "";
  const head = sentence.search(/[:：]/) + 1;
  return (
    <p class="wsw-pattern" role="status">
      <b>{sentence.slice(0, head)}</b>
      {sentence.slice(head)}
      <span class="wsw-muted"> {say("change.patternHint")}</span>
    </p>
  );
}
