/** What got worse: the layers that entered a riskier class; a click selects one. */

import { useComputed } from "@preact/signals";
import { CLASSES } from "../../assessment";
import { useView } from "../../context";
import { formatNamed } from "../../metrics";
import { metricTitle, text } from "../../text";
import { diffText } from "../../text/diff";
import { Empty, Panel } from "../Panel";
import { type Crossing, levelOf, worsened } from "./change";

const MOST = 100;

export function Worse() {
  const { store } = useView();
  const list = useComputed(() => worsened(store)).value;
  return (
    <Panel name="worse" title={diffText.worse} aside={diffText.worseCount(list.length)}>
      {list.length === 0 ? (
        <Empty>{diffText.nothingWorse}</Empty>
      ) : (
        <ol class="wsw-worse-list">
          {list.slice(0, MOST).map((each) => (
            <Line key={`${each.row}-${each.metric}`} {...each} />
          ))}
        </ol>
      )}
      <p class="wsw-note">{text.ruleOfThumb}</p>
    </Panel>
  );
}

function Line({ row, metric, before, after, from, to }: Crossing) {
  const { store } = useView();
  const name = (index: number): string => text.classes[metric](CLASSES[metric][index]?.name ?? "");
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
          {metricTitle(metric)}: {formatNamed(metric, before)}{" "}
          <i class="wsw-level" data-level={levelOf(metric, from)} /> {name(from)} → {formatNamed(metric, after)}{" "}
          <i class="wsw-level" data-level={levelOf(metric, to)} /> {name(to)}
        </span>
      </button>
    </li>
  );
}
