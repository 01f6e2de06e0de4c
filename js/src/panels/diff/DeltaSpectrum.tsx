/** Spectra of base, tuned and change, and the rank that the change needs: an energy line to drag gives a LoRA's. */

import { named, say } from "../../text/messages";
import { Panel } from "../../ui/Panel";
import { All } from "../spectrum/All";
import { Energy } from "../spectrum/Energy";
import type { Spectrum } from "../spectrum/spectrum";
import { Truncation } from "../spectrum/Truncation";
import { DiffState } from "./DiffState";
import { Legend, useSeries } from "./series";

/** What is this much smaller than the change's largest singular value is the rounding of its storage. */
const ROUNDING = 1e-4;

export function DeltaSpectrum() {
  const shown = useSeries();
  const drawn = shown.series.filter(({ spectrum }) => spectrum !== null);
  const spectra = drawn.map(
    ({ row, name, colour, spectrum }): Spectrum => ({
      row,
      label: named("change.series", name),
      colour,
      values: spectrum as Float64Array,
      edge: Number.NaN,
      floor: name === "delta" ? ROUNDING * (spectrum?.[0] ?? 0) : 0,
    }),
  );
  const main = spectra.find((each) => each.row === shown.row);
  return (
    <Panel name="delta-spectrum" aside={<Legend {...shown} series={drawn} />}>
      <DiffState row={shown.row} ready={main !== undefined}>
        {() => main && <Charts main={main} spectra={spectra} />}
      </DiffState>
    </Panel>
  );
}

function Charts({ main, spectra }: { main: Spectrum; spectra: Spectrum[] }) {
  const { values } = main;
  const about = say("page.singularValuesAbout", {
    label: say("change.series.delta"),
    count: values.length,
    first: values[0] ?? Number.NaN,
    last: values[values.length - 1] ?? Number.NaN,
  });
  return (
    <>
      <figure class="wsw-pair" aria-label={about}>
        <All main={main} spectra={spectra} />
        <Energy main={main} spectra={spectra} />
      </figure>
      <Truncation main={main} />
    </>
  );
}
