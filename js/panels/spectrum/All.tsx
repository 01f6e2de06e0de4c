/** All singular values on a log axis, one line for each layer, and the energy line that truncates the selected one. */

import { scaleLinear, scaleLog } from "d3-scale";
import { useRef, useState } from "preact/hooks";
import { Axes } from "../../charts/Axes";
import { follow } from "../../charts/handle";
import { useSize } from "../../charts/size";
import { logTicks } from "../../charts/ticks";
import { useView } from "../../context";
import { keptBy, rankFor } from "../../energy";
import { formatCount, formatPercentage } from "../../format";
import { text } from "../../text";
import type { Spectrum } from "../SingularValues";
import { MARGIN, RandomEdge, Readout } from "./parts";

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
  const least = Math.min(...every.map((values) => values[values.length - 1] ?? Number.POSITIVE_INFINITY));
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
    Array.from(values, (value, index) => `${x(index + 1).toFixed(2)},${y(value).toFixed(2)}`).join("L");
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
          aria-label={text.energyLine}
          onPointerMove={point}
          onPointerLeave={() => setPointed(null)}
        >
          <g>
            <Axes
              x={{ ticks: xTicks, position: x, title: text.index }}
              y={{ ticks: yTicks, position: y, title: text.allSingularValues(formatCount(spectrum.length)) }}
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
      {zeros > 0 && pointed === null && <div class="wsw-readout">{text.zeroSingularValues(zeros)}</div>}
    </div>
  );
}

interface LineProps {
  spectrum: Float64Array;
  x: { (value: number): number; invert(position: number): number };
  ends: [number, number];
  top: number;
  floor: number;
}

/** Stands at the rank that keeps the energy asked for; dragging it asks for another. */
function EnergyLine({ spectrum, x, ends, top, floor }: LineProps) {
  const { store } = useView();
  const rank = rankFor(spectrum, store.view.value.energy);
  const at = x(rank);
  const set = (wanted: number): void => {
    const next = Math.max(1, Math.min(spectrum.length, Math.round(wanted)));
    store.setView({ energy: keptBy(spectrum, next) });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 16, PageDown: -16 }[event.key];
    if (steps !== undefined) set(rank + steps);
    else if (event.key === "Home") store.setView({ energy: 0.9 });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const kept = formatPercentage(100 * keptBy(spectrum, rank));
  const toTheLeft = at > (ends[0] + ends[1]) / 2;
  return (
    <g class="wsw-threshold wsw-energy" data-axis="x">
      <rect class="wsw-discarded" x={at} width={Math.max(0, ends[1] - at)} y={top} height={floor - top} />
      <line class="wsw-threshold-line" x1={at} x2={at} y1={top} y2={floor} />
      <text x={toTheLeft ? at - 5 : at + 5} y={floor - 6} text-anchor={toTheLeft ? "end" : "start"}>
        {text.energyAt(formatCount(rank), kept)}
      </text>
      <line
        class="wsw-threshold-handle"
        x1={at}
        x2={at}
        y1={top}
        y2={floor}
        role="slider"
        tabindex={0}
        aria-label={text.energyLine}
        aria-orientation="horizontal"
        aria-valuemin={1}
        aria-valuemax={spectrum.length}
        aria-valuenow={rank}
        aria-valuetext={text.energyAt(formatCount(rank), kept)}
        onPointerDown={(event) => follow(event, "x", ends, (position) => set(x.invert(position)))}
        onKeyDown={onKeyDown}
      >
        <title>{text.energyHint}</title>
      </line>
    </g>
  );
}
