/** What the panels of a change say of a layer that has none: identical, in one model only, still to come, failed. */

import type { ComponentChildren } from "preact";
import { useView } from "../../state/context";
import { named, say } from "../../text/messages";
import { Empty } from "../../ui/Panel";
import { own, Stage } from "../../wire/model";
import { isApart, statusOf } from "./change";

interface Props {
  row: number | null;
  /** Whether the panel has what it draws. */
  ready: boolean;
  children: () => ComponentChildren;
}

export function DiffState({ row, ready, children }: Props) {
  const { store } = useView();
  if (row === null) return <Empty>{say("page.selectHint")}</Empty>;
  if (ready) return <>{children()}</>;
  const table = store.table.value;
  const error = own(table.errors, store.catalog.value.names[row] as string);
  if (error !== undefined) return <Empty>{error}</Empty>;
  const status = statusOf(store, row);
  if (status !== null && status !== "changed" && status !== "reshaped")
    return <Empty>{named("change.unchanged", status)}</Empty>;
  if (isApart(store, row)) return <Empty>{say("change.nothingInCommon")}</Empty>;
  if (table.stage(row) === Stage.Done) return <Empty>{say("change.noMatrix")}</Empty>;
  return (
    <Empty>{store.progress.value.state === "running" ? say("page.waitingForLayer") : say("page.notComputed")}</Empty>
  );
}
