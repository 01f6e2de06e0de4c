/** Spectra of base, tuned and change, and the rank that the change needs: an energy line to drag gives a LoRA's. */

import { useAfterPaint } from "../../charts/late";
import { useView } from "../../context";
import { formatCount, formatNumber } from "../../format";
import { PALETTES } from "../../palette";
import { text } from "../../text";
import { diffText } from "../../text/diff";
import { Panel } from "../Panel";
import type { Spectrum } from "../SingularValues";
import { All } from "../spectrum/All";
import { Energy } from "../spectrum/Energy";
import { Truncation } from "../spectrum/Truncation";
import { DiffState } from "./DiffState";
import { Legend, seriesOf } from "./series";

/** What is this much smaller than the change's largest singular value is the rounding of its storage. */
const ROUNDING = 1e-4;

export function DeltaSpectrum() {
  const { store, scheme } = useView();
  const row = useAfterPaint(store.selected).value;
  const series = row === null ? [] : seriesOf(store.detailOf(row), PALETTES[scheme.value].series);
  const drawn = series.filter(({ spectrum }) => spectrum !== null);
  const spectra = drawn.map(
    ({ key, name, colour, spectrum }): Spectrum => ({
      // The change is what is asked about: its spectrum is the layer's here.
      row: name === "delta" ? (row ?? key) : key,
      label: diffText.series[name],
      colour,
      values: spectrum as Float64Array,
      edge: Number.NaN,
      floor: name === "delta" ? ROUNDING * (spectrum?.[0] ?? 0) : 0,
    }),
  );
  const main = spectra.find((each) => each.row === row);
  return (
    <Panel name="delta-spectrum" title={diffText.spectrum} aside={<Legend row={row} series={drawn} />}>
      <DiffState row={row} ready={main !== undefined}>
        {() => main && <Charts main={main} spectra={spectra} />}
      </DiffState>
    </Panel>
  );
}

function Charts({ main, spectra }: { main: Spectrum; spectra: Spectrum[] }) {
  const { values } = main;
  const about = text.singularValuesAbout(
    diffText.series.delta,
    formatCount(values.length),
    formatNumber(values[0] ?? Number.NaN),
    formatNumber(values[values.length - 1] ?? Number.NaN),
  );
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
