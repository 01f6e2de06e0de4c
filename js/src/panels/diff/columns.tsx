/** The columns of the table of a fine-tune: the change first, then what the tuned model is like. */

import { MISSING } from "../../domain/format";
import { formatMetric } from "../../domain/metrics";
import type { TableColumn } from "../../state/context";
import { named } from "../../text/messages";
import { COLUMNS } from "../table/LayerTable";
import { statusOf } from "./change";

const usual = (id: string): TableColumn => COLUMNS.find((column) => column.id === id) as TableColumn;

const change = (metric: string, wide: string, narrow?: string): TableColumn => ({
  id: `comparison.${metric}`,
  numeric: true,
  wide,
  narrow,
  cell: (store, row) => formatMetric(metric, store.table.value.value(`comparison.${metric}`, row)),
});

export const DIFF_COLUMNS: readonly TableColumn[] = [
  usual("label"),
  {
    id: "comparison.status",
    numeric: false,
    wide: "80px",
    narrow: "72px",
    cell: (store, row) => {
      const status = statusOf(store, row);
      return status === null ? MISSING : named("change.statuses", status);
    },
  },
  change("relative_change", "80px", "68px"),
  change("delta_rank_99", "84px", "76px"),
  change("delta_numerical_rank", "104px"),
  change("subspace_overlap", "76px"),
  change("intruder_dimensions", "76px"),
  { ...usual("condition_number"), narrow: undefined },
  usual("grade"),
];
