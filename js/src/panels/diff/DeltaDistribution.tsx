/** The weights of the selected layer before and after, and the change itself, as densities over each other. */

import { DistributionOverlay } from "../../charts/DistributionOverlay";
import type { Histogram } from "../../state/details";
import { say } from "../../text/messages";
import { Panel } from "../../ui/Panel";
import { DiffState } from "./DiffState";
import { Legend, type Series, useSeries } from "./series";

export function DeltaDistribution() {
  const shown = useSeries();
  const drawn = shown.series.filter((one): one is Series & { histogram: Histogram } => one.histogram !== null);
  return (
    <Panel name="delta-distribution" aside={<Legend {...shown} series={drawn} />}>
      <DiffState row={shown.row} ready={drawn.length > 0}>
        {() => (
          <figure class="wsw-pair" aria-label={say("page.panelTitles.delta-distribution")}>
            <DistributionOverlay layers={drawn} logarithmic={false} />
            <DistributionOverlay layers={drawn} logarithmic />
          </figure>
        )}
      </DiffState>
    </Panel>
  );
}
