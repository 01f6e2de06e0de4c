/** What kind of change this is, in a sentence, with the numbers it rests on; or that it cannot be said yet. */

import { useView } from "../../state/context";
import { diffText } from "../../text/diff";

export function Pattern() {
  const { store } = useView();
  const { pattern, progress } = store.table.value;
  if (!pattern)
    return (
      <p class="wsw-pattern wsw-muted" role="status">
        {progress.state === "running" ? diffText.patternPending : diffText.patternUnknown}
      </p>
    );
  const { heads, reason, asides } = diffText.pattern;
  return (
    <p class="wsw-pattern" role="status">
      <b>{heads[pattern.name] ?? pattern.name}</b>{" "}
      {[reason(pattern.name, pattern.evidence), ...asides(pattern.evidence)].join(" ")}
      <span class="wsw-muted"> {diffText.patternHint}</span>
    </p>
  );
}
