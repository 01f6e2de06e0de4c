/** The layers that the filters leave, in the table's order, with every number in full. */

import type { Store } from "../state/store";

/** RFC 4180; numbers that do not exist are empty, infinite ones read inf and -inf, as pandas writes them. */
export function tableCsv(store: Store): string {
  const { names, labels, kinds, families, stacks, shapes, dtypes, statuses } = store.catalog.value;
  const table = store.table.value;
  const numbers = table.names.filter((column) => !(column === "stage" || column.startsWith("baseline.")));
  const checkpoint = store.checkpoints.value[store.step.value];
  const cell = (column: string, value: number): string =>
    column === "comparison.status" ? (statuses?.[value] ?? "") : number(value);
  const lines = [["name", "label", "kind", "family", "stack", "shape", "dtype", "grade", "risk", ...numbers]];
  if (checkpoint !== undefined) lines[0]?.unshift("checkpoint");
  for (const row of store.order.value) {
    const judgement = store.judgements.value[row];
    lines.push([
      ...(checkpoint === undefined ? [] : [guarded(checkpoint)]),
      ...[names[row], labels[row], kinds[row], families[row], stacks[row], shapes[row], dtypes[row]].map(guarded),
      judgement?.grade ?? "",
      number(judgement?.risk ?? Number.NaN),
      ...numbers.map((column) => cell(column, table.value(column, row))),
    ]);
  }
  return lines.map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
}

/** A text that a spreadsheet would take for a formula is marked as text. */
function guarded(text = ""): string {
  const readable = text.replaceAll("\0", "\uFFFD"); // which ends a file for some readers
  return /^[=+\-@\t\r]/.test(readable) ? `'${readable}` : readable;
}

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function number(value: number): string {
  if (Number.isNaN(value)) return "";
  return Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";
}
