/** The layers drawn beside each other, each in its own colour, and their names above the drawing. */

import { useView } from "../state/context";
import type { Detail } from "../state/details";
import type { Store } from "../state/store";
import { say } from "../text/messages";
import { PALETTES, type Scheme } from "../theme/palette";

export interface ComparedLayer {
  row: number;
  label: string;
  colour: string;
  detail: Detail;
}

/** Layers in the order in which they were chosen; one alone has the usual colour. */
export function layersOf(store: Store, rows: readonly number[], scheme: Scheme): ComparedLayer[] {
  const { series } = PALETTES[scheme];
  return rows.map((row, index) => ({
    row,
    label: store.catalog.value.labels[row] ?? "",
    colour: series[index % series.length] as string,
    detail: store.detailOf(row),
  }));
}

export function Compared({ layers }: { layers: ComparedLayer[] }) {
  const { store } = useView();
  const only = layers[0];
  if (layers.length < 2) return only ? <span>{only.label}</span> : null;
  return (
    <ul class="wsw-compared">
      {layers.map(({ row, label, colour }) => (
        <li key={row} data-selected={row === store.selected.value || undefined}>
          <i style={{ background: colour }} />
          <span>{label}</span>
          <button type="button" aria-label={say("page.noLongerCompare", { label })} onClick={() => store.compare(row)}>
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
