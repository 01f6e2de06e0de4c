/** What the panels of single layers draw: base, tuned and change of one, or the changes of several that are compared. */

import { useAfterPaint } from "../../charts/late";
import { useView } from "../../state/context";
import type { Detail, Drawn } from "../../state/details";
import { named } from "../../text/messages";
import { PALETTES } from "../../theme/palette";
import { Compared, type ComparedLayer, layersOf } from "../../ui/compared";

export interface Series extends Drawn {
  /** The layer whose change it is; below zero for what is none. */
  row: number;
  name: "base" | "tuned" | "delta";
  colour: string;
}

export interface Shown {
  /** The selected layer. */
  row: number | null;
  /** In the order in which they are drawn: what changed lies on top. */
  series: Series[];
  compared: ComparedLayer[];
}

const NOTHING: Drawn = { histogram: null, spectrum: null };

export function useSeries(): Shown {
  const { store, scheme } = useView();
  const row = useAfterPaint(store.selected).value;
  const compared = layersOf(store, useAfterPaint(store.compared).value, scheme.value);
  if (row === null) return { row, series: [], compared };
  const series =
    compared.length > 1
      ? compared.map(
          (layer): Series => ({
            ...(layer.detail.delta ?? NOTHING),
            row: layer.row,
            name: "delta",
            colour: layer.colour,
          }),
        )
      : seriesOf(row, store.detailOf(row), PALETTES[scheme.value].series);
  return { row, series, compared };
}

function seriesOf(row: number, detail: Detail, colours: readonly string[]): Series[] {
  const parts: [Series["name"], Drawn][] = [
    ["base", detail.base ?? NOTHING],
    ["tuned", detail],
    ["delta", detail.delta ?? NOTHING],
  ];
  return parts.map(([name, { histogram, spectrum }], index) => ({
    row: name === "delta" ? row : -1 - index,
    name,
    colour: colours[index] as string,
    histogram,
    spectrum,
  }));
}

export function Legend({ row, series, compared }: Shown) {
  const { store } = useView();
  if (row === null) return null;
  if (compared.length > 1)
    return (
      <div class="wsw-changes">
        ΔW <Compared layers={compared} />
      </div>
    );
  return (
    <span class="wsw-series-legend">
      {store.catalog.value.labels[row]}
      {series.map(({ row: key, name, colour }) => (
        <span key={key}>
          <i style={{ background: colour }} /> {named("change.series", name)}
        </span>
      ))}
    </span>
  );
}
