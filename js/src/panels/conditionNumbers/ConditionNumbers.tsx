/** Condition numbers as bars, the worst first, coloured by class. */

import { useComputed } from "@preact/signals";
import { useCallback } from "preact/hooks";
import { metricAxis } from "../../charts/axis";
import { BarList } from "../../charts/BarList";
import { colouring } from "../../charts/colour";
import { useView } from "../../state/context";
import { say } from "../../text/messages";
import { PALETTES } from "../../theme/palette";
import { ClassCounts } from "../../ui/ClassCounts";
import { Empty, Panel } from "../../ui/Panel";

const METRIC = "condition_number";

export function ConditionNumbers() {
  const { store, scheme } = useView();
  const rows = useComputed(() => {
    const mask = store.mask.value;
    return store.descending(METRIC).filter((row) => mask[row]);
  });
  const value = useCallback((row: number) => store.column(METRIC)[row] as number, [store]);
  const colour = useCallback(
    (number: number) =>
      colouring(METRIC, store.column(METRIC), store.thresholds.value, scheme.value).colour(number) ??
      PALETTES[scheme.value].muted,
    [store, scheme],
  );
  const baseline = useCallback((row: number) => store.column(`baseline.${METRIC}`)[row] as number, [store]);
  const missing = store.matching.value.length - rows.value.length;
  const asked = store.catalog.value.methods.includes("spectral");
  return (
    <Panel name="condition-numbers" aside={<ClassCounts metric={METRIC} />}>
      {rows.value.length === 0 ? (
        <Empty>{asked ? say("page.nothingHere") : say("page.notComputed")}</Empty>
      ) : (
        <BarList
          metric={METRIC}
          classified={METRIC}
          rows={rows}
          value={value}
          colour={colour}
          baseline={baseline}
          axis={(range) => metricAxis(METRIC, store.column(METRIC), range, store.thresholds.value)}
          title={say("page.conditionAxis")}
          label={say("page.barsAbout", { title: say("page.panelTitles.condition-numbers"), count: rows.value.length })}
        />
      )}
      {missing > 0 && asked && <p class="wsw-note">{say("page.withoutValue", { count: missing })}</p>}
    </Panel>
  );
}
