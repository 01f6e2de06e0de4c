/** Spectra of the compared layers: the largest values, all of them, and the truncation that an energy line asks for. */

import { useAfterPaint } from "../../charts/late";
import { useView } from "../../state/context";
import { say } from "../../text/messages";
import { Compared, layersOf } from "../../ui/compared";
import { LayerState } from "../../ui/LayerState";
import { Panel } from "../../ui/Panel";
import { All } from "./All";
import { Largest } from "./Largest";
import type { Spectrum } from "./spectrum";
import { Truncation } from "./Truncation";

export function SingularValues() {
  const { store, scheme } = useView();
  const row = useAfterPaint(store.selected).value;
  const number = (column: string): number => (row === null ? Number.NaN : store.table.value.value(column, row));
  // Of a matrix that was decomposed in vain the rank is known; of a vector, or where a file did not hold it, nothing is.
  const inVain = number("spectral.total_rank") > 0 && Number.isNaN(number("spectral.max_singular_value"));
  const layers = layersOf(store, useAfterPaint(store.compared).value, scheme.value);
  const spectra = layers.flatMap(({ row, label, colour, detail }): Spectrum[] =>
    detail.spectrum
      ? [
          {
            row,
            label,
            colour,
            values: detail.spectrum,
            edge: store.table.value.value("baseline.marchenko_pastur_edge", row),
          },
        ]
      : [],
  );
  const main = spectra.find((each) => each.row === row);
  return (
    <Panel name="singular-values" aside={<Compared layers={layers} />}>
      <LayerState
        row={row}
        ready={main !== undefined}
        method={(methods) => methods.includes("spectral")}
        absent={inVain ? say("page.notFinite") : say("page.notComputed")}
      >
        {() => main && <Charts main={main} spectra={spectra} />}
      </LayerState>
    </Panel>
  );
}

function Charts({ main, spectra }: { main: Spectrum; spectra: Spectrum[] }) {
  const last = main.values[main.values.length - 1] ?? Number.NaN;
  const about = say("page.singularValuesAbout", {
    label: main.label,
    count: main.values.length,
    first: main.values[0] ?? Number.NaN,
    last,
  });
  return (
    <>
      <figure class="wsw-pair" aria-label={about}>
        <Largest main={main} spectra={spectra} />
        <All main={main} spectra={spectra} />
      </figure>
      <Truncation main={main} />
    </>
  );
}
