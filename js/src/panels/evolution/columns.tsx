/** The columns of the table of an evolution: the change first, then what the layer is like at the checkpoint. */

import { formatMetric } from "../../domain/metrics";
import type { TableColumn } from "../../state/context";
import { COLUMNS } from "../table/LayerTable";

const usual = (id: string): TableColumn => COLUMNS.find((column) => column.id === id) as TableColumn;

const change = (since: "first" | "previous", wide: string, narrow?: string): TableColumn => ({
  id: `relative_change_to_${since}`,
  numeric: true,
  wide,
  narrow,
  cell: (store, row) => formatMetric("relative_change", store.table.value.value(`relative_change_to_${since}`, row)),
});

export const EVOLUTION_COLUMNS: readonly TableColumn[] = [
  usual("label"),
  change("first", "80px", "68px"),
  change("previous", "92px"),
  usual("condition_number"),
  usual("stable_rank"),
  usual("sqnr_db"),
  { ...usual("extreme_outlier_percentage"), narrow: undefined },
  usual("grade"),
];
