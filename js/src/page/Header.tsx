/** What model this is, how it stands, and how far the scan is. */

import { useSignal } from "@preact/signals";
import { sum } from "d3-array";
import { GRADES } from "../domain/assessment";
import { formatCount, formatParameters, formatSeconds } from "../domain/format";
import { useView } from "../state/context";
import { toggled } from "../state/filters";
import { named, say } from "../text/messages";
import { GRADE_LEVELS } from "../theme/palette";
import { Stage } from "../wire/model";

export function Header() {
  const { store } = useView();
  const { model, names, dtypes, skipped } = store.catalog.value;
  const table = store.table.value;
  const parameters = sum(names, (_, row) => table.value("parameters", row));
  const left = Object.entries(skipped);
  const types = [...new Set(dtypes)].filter(Boolean).join(", ");
  return (
    <header class="wsw-header">
      <div class="wsw-model">
        <h2 title={model}>{model}</h2>
        <p>
          <span>{say("layers", { count: names.length })}</span>
          {parameters > 0 && (
            <span title={formatCount(parameters)}>
              {say("page.parameters", { count: formatParameters(parameters) })}
            </span>
          )}
          {types && <span>{types}</span>}
          {left.length > 0 && (
            <span class="wsw-skipped" title={left.map(([name, reason]) => `${name}: ${reason}`).join("\n")}>
              {say("page.skipped", { count: left.length })}
            </span>
          )}
        </p>
      </div>
      <GradeCounts />
      <Progress />
    </header>
  );
}

function GradeCounts() {
  const { store } = useView();
  const filter = store.filters.value.get("grade");
  const grades = store.judgements.value.map(({ grade }) => grade);
  const table = store.table.value;
  const failed = store.catalog.value.names.filter((_, row) => table.stage(row) === Stage.Failed).length;
  return (
    <ul class="wsw-grades" aria-label={say("page.grades")} title={say("page.gradesHint")}>
      {GRADES.map((grade) => {
        const count = grades.filter((one) => one === grade).length;
        return (
          <li key={grade} data-grade={grade} data-empty={count === 0 || undefined}>
            <button
              type="button"
              aria-pressed={filter?.by === "field" && filter.values.includes(grade)}
              title={say("page.narrowTo", { name: named("page.grade", grade) })}
              onClick={() => toggled(store, "grade", grade)}
            >
              <b>{formatCount(count)}</b>
              <span>
                <i class="wsw-level wsw-level-first" data-level={GRADE_LEVELS[grade]} />
                {named("page.grade", grade)}
              </span>
            </button>
          </li>
        );
      })}
      {failed > 0 && (
        <li data-grade="Failed">
          <b>{formatCount(failed)}</b>
          <span>
            <i class="wsw-level wsw-level-first" data-level="failed" />
            {say("page.failed")}
          </span>
        </li>
      )}
    </ul>
  );
}

function Progress() {
  const { store } = useView();
  const cancelling = useSignal(false);
  const { state, done, total, fraction, seconds_left, message } = store.progress.value;
  if (state === "done") return null;
  if (state === "failed") {
    return (
      <p class="wsw-progress wsw-failed" role="alert">
        {message}
      </p>
    );
  }
  if (state === "cancelled") return <p class="wsw-progress">{say("page.cancelled", { done, total })}</p>;
  const table = store.table.value;
  const measured = store.catalog.value.names.filter((_, row) => table.stage(row) !== Stage.Waiting).length;
  const phase = store.checkpoints.value.length
    ? say("page.following", { done, count: total })
    : measured < total
      ? say("page.measuring", { done: measured, total })
      : say("page.decomposing", { done, total });
  return (
    <div class="wsw-progress">
      <div
        class="wsw-bar-track"
        role="progressbar"
        aria-label={phase}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * fraction)}
      >
        <div style={{ width: `${100 * fraction}%` }} />
      </div>
      <span>
        {phase}
        {seconds_left !== null && ` · ${say("page.secondsLeft", { time: formatSeconds(seconds_left) })}`}
      </span>
      <button
        type="button"
        disabled={cancelling.value}
        onClick={() => {
          cancelling.value = true;
          store.cancelScan();
        }}
      >
        {cancelling.value ? say("page.cancelling") : say("page.cancel")}
      </button>
    </div>
  );
}
