/** What got worse: the layers that entered a riskier class or a worse grade; a click selects one. */

import { useComputed } from "@preact/signals";
import { formatMetric } from "../../domain/metrics";
import { useView } from "../../state/context";
import { say } from "../../text/messages";
import { Empty, Panel } from "../../ui/Panel";
import { type Crossing, classOf, crossedTitle, worsened } from "./change";

const MOST = 100;

export function Worse() {
  const { store } = useView();
  const list = useComputed(() => worsened(store)).value;
  return (
    <Panel name="worse" aside={say("change.worseCount", { count: list.length })}>
      {list.length === 0 ? (
        <Empty>{say("change.nothingWorse")}</Empty>
      ) : (
        <ol class="wsw-worse-list">
          {list.slice(0, MOST).map((each) => (
            <Line key={`${each.row}-${each.metric}`} {...each} />
          ))}
        </ol>
      )}
      <p class="wsw-note">{say("page.ruleOfThumb")}</p>
    </Panel>
  );
}

function Line({ row, metric, before, after, from, to }: Crossing) {
  const { store } = useView();
  return (
    <li>
      <button
        type="button"
        aria-pressed={store.selected.value === row}
        onClick={() => store.select(row)}
        onPointerEnter={() => store.hover(row)}
        onPointerLeave={() => store.hover(null)}
      >
        <b>{store.catalog.value.labels[row]}</b>
        <span>
          {crossedTitle(metric)}: <Side metric={metric} value={before} index={from} /> →{" "}
          <Side metric={metric} value={after} index={to} />
        </span>
      </button>
    </li>
  );
}

function Side({ metric, value, index }: { metric: Crossing["metric"]; value: number; index: number }) {
  const { name, level } = classOf(metric, index);
  return (
    <>
      {metric !== "health" && `${formatMetric(metric, value)} `}
      <i class="wsw-level" data-level={level} /> {name}
    </>
  );
}
