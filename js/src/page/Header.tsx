/** What model this is, how it stands, and how far the scan is. */

import { useSignal } from "@preact/signals";
import { sum } from "d3-array";
import { GRADES } from "../domain/assessment";
import { formatCount, formatParameters } from "../domain/format";
import { useView } from "../state/context";
import { toggled } from "../state/filters";
import { text } from "../text";
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
          <span>{text.layers(names.length)}</span>
          {parameters > 0 && (
            <span title={formatCount(parameters)}>{text.parameters(formatParameters(parameters))}</span>
          )}
          {types && <span>{types}</span>}
          {left.length > 0 && (
            <span class="wsw-skipped" title={left.map(([name, reason]) => `${name}: ${reason}`).join("\n")}>
              {text.skipped(left.length)}
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
    <ul class="wsw-grades" aria-label={text.grades} title={text.gradesHint}>
      {GRADES.map((grade) => {
        const count = grades.filter((one) => one === grade).length;
        return (
          <li key={grade} data-grade={grade} data-empty={count === 0 || undefined}>
            <button
              type="button"
              aria-pressed={filter?.by === "field" && filter.values.includes(grade)}
              title={text.narrowTo(text.grade[grade])}
              onClick={() => toggled(store, "grade", grade)}
            >
              <b>{formatCount(count)}</b>
              <span>
                <i class="wsw-level wsw-level-first" data-level={GRADE_LEVELS[grade]} />
                {text.grade[grade]}
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
            {text.failed}
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
  if (state === "cancelled") return <p class="wsw-progress">{text.cancelled(done, total)}</p>;
  const table = store.table.value;
  const measured = store.catalog.value.names.filter((_, row) => table.stage(row) !== Stage.Waiting).length;
  const phase = store.checkpoints.value.length
    ? text.following(done, total)
    : measured < total
      ? text.measuring(measured, total)
      : text.decomposing(done, total);
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
        {seconds_left !== null && ` · ${text.secondsLeft(seconds_left)}`}
      </span>
      <button
        type="button"
        disabled={cancelling.value}
        onClick={() => {
          cancelling.value = true;
          store.cancelScan();
        }}
      >
        {cancelling.value ? text.cancelling : text.cancel}
      </button>
    </div>
  );
}
