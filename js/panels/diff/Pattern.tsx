/** What kind of change this is, in a sentence, with the numbers it rests on. */

import { useView } from "../../context";
import { diffText } from "../../text/diff";

export function Pattern() {
  const { store } = useView();
  const pattern = store.table.value.pattern;
  if (!pattern) return null;
  const words = diffText.pattern[pattern.name as keyof typeof diffText.pattern];
  return (
    <p class="wsw-pattern" role="status">
      <b>{words?.name ?? pattern.name}</b> {words?.sentence(pattern.evidence)}
      <span class="wsw-muted"> {diffText.patternHint}</span>
    </p>
  );
}
