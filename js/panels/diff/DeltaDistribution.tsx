/** The weights of the selected layer before and after, and the change itself, as densities over each other. */

import { useAfterPaint } from "../../charts/late";
import { useView } from "../../context";
import type { Histogram } from "../../details";
import { PALETTES } from "../../palette";
import { diffText } from "../../text/diff";
import { DistributionOverlay } from "../DistributionOverlay";
import { Panel } from "../Panel";
import { DiffState } from "./DiffState";
import { Legend, type Series, seriesOf } from "./series";

export function DeltaDistribution() {
  const { store, scheme } = useView();
  const row = useAfterPaint(store.selected).value;
  const series = row === null ? [] : seriesOf(store.detailOf(row), PALETTES[scheme.value].series);
  const drawn = series.filter((one): one is Series & { histogram: Histogram } => one.histogram !== null);
  const layers = drawn.map(({ key, colour, histogram }) => ({ row: key, colour, histogram }));
  return (
    <Panel name="delta-distribution" title={diffText.distribution} aside={<Legend row={row} series={drawn} />}>
      <DiffState row={row} ready={layers.length > 0}>
        {() => (
          <figure class="wsw-pair" aria-label={diffText.distribution}>
            <DistributionOverlay layers={layers} logarithmic={false} />
            <DistributionOverlay layers={layers} logarithmic />
          </figure>
        )}
      </DiffState>
    </Panel>
  );
}
