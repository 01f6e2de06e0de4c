/** The columns of the table of a fine-tune: the change first, then what the tuned model is like. */

import { MISSING } from "../../domain/format";
import { formatMetric } from "../../domain/metrics";
import type { TableColumn } from "../../state/context";
import { named } from "../../text/messages";
import { COLUMNS } from "../table/LayerTable";
import { statusOf } from "./change";

const usual = (id: string): TableColumn => COLUMNS.find((column) => column.id === id) as TableColumn;

const change = (metric: string, rank: 0 | 1): TableColumn => ({
  id: `comparison.${metric}`,
  numeric: true,
  rank,
  cell: (store, row) => formatMetric(metric, store.table.value.value(`comparison.${metric}`, row)),
});

export const DIFF_COLUMNS: readonly TableColumn[] = [
  usual("label"),
  {
    id: "comparison.status",
    numeric: false,
    rank: 0,
    cell: (store, row) => {
      const status = statusOf(store, row);
      return status === null ? MISSING : named("change.statuses", status);
    },
  },
  change("relative_change", 0),
  change("delta_rank_99", 0),
  change("delta_numerical_rank", 1),
  change("subspace_overlap", 1),
  change("intruder_dimensions", 1),
  { ...usual("condition_number"), rank: 1 },
  usual("grade"),
];
