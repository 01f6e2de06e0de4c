/** The columns of the table of an evolution: the change first, then what the layer is like at the checkpoint. */

import { formatMetric } from "../../domain/metrics";
import type { TableColumn } from "../../state/context";
import { COLUMNS } from "../table/LayerTable";

const usual = (id: string): TableColumn => COLUMNS.find((column) => column.id === id) as TableColumn;

const change = (since: "first" | "previous", rank: 0 | 1): TableColumn => ({
  id: `relative_change_to_${since}`,
  numeric: true,
  rank,
  cell: (store, row) => formatMetric("relative_change", store.table.value.value(`relative_change_to_${since}`, row)),
});

export const EVOLUTION_COLUMNS: readonly TableColumn[] = [
  usual("label"),
  change("first", 0),
  change("previous", 1),
  usual("condition_number"),
  usual("stable_rank"),
  usual("sqnr_db"),
  usual("extreme_outlier_percentage"),
  usual("grade"),
].map((column) => (column.id === "extreme_outlier_percentage" ? { ...column, rank: 1 as const } : column));
