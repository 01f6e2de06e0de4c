/** Which checkpoint is drawn: a slider, a step to either side, and play. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useView } from "../../state/context";
import { say } from "../../text/messages";

/** A whole play takes about this long, but no step less than can be seen and none so long that it bores. */
const WHOLE = 8000; // milliseconds
const SHORTEST = 150;
const LONGEST = 900;

export const stepTime = (count: number): number => Math.max(SHORTEST, Math.min(LONGEST, WHOLE / count));

export function Slider() {
  const { store } = useView();
  const playing = useSignal(false);
  const names = store.checkpoints.value;
  const step = store.step.value;
  const last = names.length - 1;

  useEffect(() => {
    if (!playing.value) return;
    const timer = setInterval(() => {
      store.moveTo(store.step.peek() + 1);
      if (store.step.peek() >= last) playing.value = false;
    }, stepTime(names.length));
    return () => clearInterval(timer);
  }, [playing.value, names.length, last, store, playing]);

  const goTo = (goal: number): void => {
    playing.value = false;
    store.moveTo(goal);
  };
  const play = (): void => {
    if (!playing.value && step >= last) store.moveTo(0);
    playing.value = !playing.value;
  };
  const title = playing.value ? say("change.pause") : say("change.play");
  return (
    <fieldset class="wsw-steps" aria-label={say("change.checkpoints")}>
      <button type="button" class="wsw-play" aria-label={title} title={title} onClick={play}>
        <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
          <path d={playing.value ? "M2,1h3v10h-3zM7,1h3v10h-3z" : "M2,1L11,6L2,11Z"} />
        </svg>
      </button>
      <button
        type="button"
        aria-label={say("change.previous")}
        title={say("change.previous")}
        disabled={step === 0}
        onClick={() => goTo(step - 1)}
      >
        ‹
      </button>
      <input
        type="range"
        min={0}
        max={last}
        step={1}
        value={step}
        aria-label={say("change.checkpoint")}
        aria-valuetext={say("change.place", { name: names[step] ?? "", at: step + 1, total: names.length })}
        style={{ "--share": `${(100 * step) / last}%` }}
        onInput={(event) => goTo(Number(event.currentTarget.value))}
        // Notebooks act on keys that reach them.
        onKeyDown={(event) => event.stopPropagation()}
      />
      <button
        type="button"
        aria-label={say("change.next")}
        title={say("change.next")}
        disabled={step === last}
        onClick={() => goTo(step + 1)}
      >
        ›
      </button>
      <p class="wsw-step-name">
        <b title={names[step]}>{names[step]}</b>
        <span class="wsw-muted">{say("change.ofAll", { at: step + 1, total: names.length })}</span>
      </p>
    </fieldset>
  );
}
