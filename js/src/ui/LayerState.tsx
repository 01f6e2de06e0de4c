/** What the panels of a selected layer show while there is nothing to draw, each case in its own words. */

import type { ComponentChildren } from "preact";
import { useView } from "../state/context";
import { say } from "../text/messages";
import { Stage } from "../wire/model";
import { Empty } from "./Panel";

interface Props {
  row: number | null;
  /** Whether the panel has what it draws. */
  ready: boolean;
  /** The method of the scan that computes it, and what to say of a finished layer without it. */
  method: (methods: string[]) => boolean;
  absent: string;
  children: () => ComponentChildren;
}

export function LayerState({ row, ready, method, absent, children }: Props) {
  const { store } = useView();
  if (row === null) return <Empty>{say("page.selectHint")}</Empty>;
  if (ready) return <>{children()}</>;
  if (store.table.value.stage(row) === Stage.Failed) return <Empty>{say("page.analysisFailed")}</Empty>;
  if (!method(store.catalog.value.methods)) return <Empty>{say("page.notComputed")}</Empty>;
  const { problem, stage: fetched } = store.detailOf(row);
  if (problem !== null) {
    return (
      <div class="wsw-empty">
        <p>{problem === "no answer" ? say("page.noAnswer") : problem}</p>
        <button type="button" onClick={store.retryDetail}>
          {say("page.retry")}
        </button>
      </div>
    );
  }
  if (fetched === Stage.Done) return <Empty>{absent}</Empty>;
  if (store.table.value.stage(row) > Math.max(fetched, 0)) return <Empty>{say("page.waitingForKernel")}</Empty>;
  return (
    <Empty>{store.progress.value.state === "running" ? say("page.waitingForLayer") : say("page.notComputed")}</Empty>
  );
}
