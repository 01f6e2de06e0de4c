/** All singular values on a log axis, one line for each layer, and the energy line that truncates the selected one. */

import { scaleLinear, scaleLog } from "d3-scale";
import { useRef, useState } from "preact/hooks";
import { Axes } from "../../charts/Axes";
import { useSize } from "../../charts/size";
import { logTicks } from "../../charts/ticks";
import { formatCount } from "../../domain/format";
import { say } from "../../text/messages";
import { EnergyLine } from "./EnergyLine";
import { MARGIN, RandomEdge, Readout } from "./parts";
import type { Spectrum } from "./spectrum";

export function All({ main, spectra }: { main: Spectrum; spectra: Spectrum[] }) {
  const plot = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plot).value;
  const [pointed, setPointed] = useState<number | null>(null);
  const { values: spectrum, edge } = main;
  const positive = (values: Float64Array): Float64Array => values.filter((value) => value > 0);
  const own = positive(spectrum);
  const zeros = spectrum.length - own.length;
  const floor = height - MARGIN.bottom;
  const longest = Math.max(2, ...spectra.map(({ values }) => values.length));
  const x = scaleLinear([1, longest], [MARGIN.left + 4, width - MARGIN.right]);
  const every = spectra.map(({ values }) => positive(values));
  const most = Math.max(...every.map((values) => values[0] ?? 0)) || 1;
  const least = Math.min(
    ...every.map((values, at) =>
      Math.max(values[values.length - 1] ?? Number.POSITIVE_INFINITY, spectra[at]?.floor ?? 0),
    ),
  );
  const y = scaleLog(
    [(Number.isFinite(least) ? least : 1) / 1.3, Math.max(most, edge > 0 ? edge : 0) * 1.3],
    [floor, MARGIN.top],
  );
  const yTicks = logTicks(y.domain() as [number, number], Math.max(2, Math.floor(height / 36)));
  const xTicks = x
    .ticks(Math.max(2, Math.floor(width / 75)))
    .filter(Number.isInteger)
    .map((value) => ({ value, label: formatCount(value) }));
  const line = (values: Float64Array): string =>
    Array.from(values, (value, index) => `${x(index + 1).toFixed(2)},${Math.min(floor, y(value)).toFixed(2)}`).join(
      "L",
    );
  const point = (event: PointerEvent): void => {
    const index = Math.round(x.invert(event.offsetX)) - 1;
    setPointed(index >= 0 && index < spectrum.length ? index : null);
  };
  const value = pointed === null ? undefined : spectrum[pointed];
  return (
    <div class="wsw-plot" ref={plot}>
      {width > 0 && (
        <svg
          class="wsw-layer wsw-spectrum"
          width={width}
          height={height}
          aria-label={say("page.energyLine")}
          onPointerMove={point}
          onPointerLeave={() => setPointed(null)}
        >
          <g>
            <Axes
              x={{ ticks: xTicks, position: x, title: say("page.index") }}
              y={{ ticks: yTicks, position: y, title: say("page.allSingularValues", { count: spectrum.length }) }}
              width={width}
              height={height}
              margin={MARGIN}
            />
            <RandomEdge at={y(edge)} width={width} floor={floor} labelled />
            {spectra.map(({ row, values, colour }) => {
              const drawn = positive(values);
              if (drawn.length === 1)
                return <circle key={row} class="wsw-dot" fill={colour} cx={x(1)} cy={y(drawn[0] as number)} r={3} />;
              return (
                drawn.length > 0 && (
                  <path
                    key={row}
                    class={row === main.row ? "wsw-line" : "wsw-series"}
                    // As a style: the class of the main line has a colour, too.
                    style={spectra.length > 1 ? { stroke: colour } : undefined}
                    d={`M${line(drawn)}`}
                    data-row={row}
                  />
                )
              );
            })}
            {pointed !== null && value !== undefined && value > 0 && (
              <circle class="wsw-dot" cx={x(pointed + 1)} cy={y(value)} r={3.5} />
            )}
          </g>
          {own.length > 1 && (
            <EnergyLine spectrum={spectrum} x={x} ends={[x(1), x(spectrum.length)]} top={MARGIN.top} floor={floor} />
          )}
        </svg>
      )}
      {pointed !== null && <Readout index={pointed} value={value} />}
      {zeros > 0 && pointed === null && (
        <div class="wsw-readout">{say("page.zeroSingularValues", { count: zeros })}</div>
      )}
    </div>
  );
}
