/** Base, tuned and change of one layer: which is which, and in which colour. */

import { useView } from "../../context";
import type { Detail, Drawn } from "../../details";
import { diffText } from "../../text/diff";

export interface Series extends Drawn {
  /** Below zero, so that it is no row. */
  key: number;
  name: "base" | "tuned" | "delta";
  colour: string;
}

const NOTHING: Drawn = { histogram: null, spectrum: null };

/** In the order in which they are drawn: what changed lies on top. */
export function seriesOf(detail: Detail, colours: readonly string[]): Series[] {
  const parts: [Series["name"], Drawn][] = [
    ["base", detail.base ?? NOTHING],
    ["tuned", detail],
    ["delta", detail.delta ?? NOTHING],
  ];
  return parts.map(([name, { histogram, spectrum }], index) => ({
    key: -1 - index,
    name,
    colour: colours[index] as string,
    histogram,
    spectrum,
  }));
}

export function Legend({ row, series }: { row: number | null; series: Series[] }) {
  const { store } = useView();
  if (row === null) return null;
  return (
    <span class="wsw-series-legend">
      {store.catalog.value.labels[row]}
      {series.map(({ key, name, colour }) => (
        <span key={key}>
          <i style={{ background: colour }} /> {diffText.series[name]}
        </span>
      ))}
    </span>
  );
}
