/** The spectrum of the selected layer: the largest on a linear axis, all on a log axis, and where chance would end. */

import { scaleBand, scaleLinear, scaleLog } from "d3-scale";
import { useRef, useState } from "preact/hooks";
import { Axes, type Margin } from "../charts/Axes";
import { useSize } from "../charts/size";
import { logTicks } from "../charts/ticks";
import { useView } from "../context";
import { formatCount, formatNumber, formatTick } from "../format";
import { text } from "../text";
import { LayerState } from "./LayerState";
import { Panel } from "./Panel";

const MARGIN: Margin = { top: 20, right: 12, bottom: 36, left: 42 };
const TOP_K = 10;
const WIDEST_BAR = 40;

export function SingularValues() {
  const { store } = useView();
  const row = store.selected.value;
  const spectrum = store.detail.value?.spectrum ?? null;
  const label = row === null ? "" : (store.catalog.value.labels[row] ?? "");
  const number = (column: string): number => (row === null ? Number.NaN : store.table.value.value(column, row));
  const edge = number("baseline.marchenko_pastur_edge");
  // Of a matrix that was decomposed in vain the rank is known; of a vector, or where a file did not hold it, nothing is.
  const inVain = number("spectral.total_rank") > 0 && Number.isNaN(number("spectral.max_singular_value"));
  return (
    <Panel name="singular-values" title={text.singularValues} aside={label}>
      <LayerState
        ready={spectrum !== null}
        method={(methods) => methods.includes("spectral")}
        absent={inVain ? text.notFinite : text.notComputed}
      >
        {() => spectrum && <Charts spectrum={spectrum} edge={edge} label={label} />}
      </LayerState>
    </Panel>
  );
}

interface Props {
  spectrum: Float64Array;
  /** The Marchenko–Pastur edge, NaN where unknown. */
  edge: number;
}

function Charts({ spectrum, edge, label }: Props & { label: string }) {
  const last = spectrum[spectrum.length - 1] ?? Number.NaN;
  const about = text.singularValuesAbout(
    label,
    formatCount(spectrum.length),
    formatNumber(spectrum[0] ?? Number.NaN),
    formatNumber(last),
  );
  return (
    <div class="wsw-pair" role="img" aria-label={about}>
      <Largest spectrum={spectrum} edge={edge} />
      <All spectrum={spectrum} edge={edge} />
    </div>
  );
}

function Largest({ spectrum, edge }: Props) {
  const plot = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plot).value;
  const [pointed, setPointed] = useState<number | null>(null);
  const largest = Array.from(spectrum.subarray(0, TOP_K));
  const x = scaleBand<number>(
    largest.map((_, index) => index + 1),
    [MARGIN.left, width - MARGIN.right],
  ).padding(0.25);
  const barWidth = Math.min(x.bandwidth(), WIDEST_BAR);
  const centre = (index: number): number => (x(index) ?? 0) + x.bandwidth() / 2;
  const floor = height - MARGIN.bottom;
  const y = scaleLinear([0, 1.04 * (Math.max(largest[0] ?? 0, edge || 0) || 1)], [floor, MARGIN.top]);
  const yTicks = y.ticks(Math.max(2, Math.floor(height / 40))).map((value) => ({ value, label: formatTick(value) }));
  const xTicks = largest.map((_, index) => ({ value: index + 1, label: String(index + 1) }));
  return (
    <div class="wsw-plot" ref={plot}>
      {width > 0 && (
        <svg class="wsw-layer wsw-largest" width={width} height={height} aria-hidden="true">
          <Axes
            x={{ ticks: xTicks, position: centre, title: text.index }}
            y={{ ticks: yTicks, position: y, title: text.topSingularValues(largest.length) }}
            width={width}
            height={height}
            margin={MARGIN}
          />
          {largest.map((value, index) => (
            <rect
              key={index}
              class="wsw-bar"
              x={centre(index + 1) - barWidth / 2}
              width={barWidth}
              y={y(value)}
              height={floor - y(value)}
              onPointerEnter={() => setPointed(index)}
              onPointerLeave={() => setPointed(null)}
            />
          ))}
          <RandomEdge at={y(edge)} width={width} floor={floor} labelled={false} />
        </svg>
      )}
      {pointed !== null && <Readout index={pointed} value={largest[pointed]} />}
    </div>
  );
}

function All({ spectrum, edge }: Props) {
  const plot = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plot).value;
  const [pointed, setPointed] = useState<number | null>(null);
  const positive = spectrum.filter((value) => value > 0);
  const zeros = spectrum.length - positive.length;
  const floor = height - MARGIN.bottom;
  const x = scaleLinear([1, Math.max(2, spectrum.length)], [MARGIN.left + 4, width - MARGIN.right]);
  const top = Math.max(positive[0] ?? 1, edge > 0 ? edge : 0) * 1.3;
  const y = scaleLog([(positive[positive.length - 1] ?? 1) / 1.3, top], [floor, MARGIN.top]);
  const yTicks = logTicks(y.domain() as [number, number], Math.max(2, Math.floor(height / 36)));
  const xTicks = x
    .ticks(Math.max(2, Math.floor(width / 75)))
    .filter(Number.isInteger)
    .map((value) => ({ value, label: formatCount(value) }));
  const line = Array.from(positive, (value, index) => `${x(index + 1).toFixed(2)},${y(value).toFixed(2)}`).join("L");
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
          aria-hidden="true"
          onPointerMove={point}
          onPointerLeave={() => setPointed(null)}
        >
          <Axes
            x={{ ticks: xTicks, position: x, title: text.index }}
            y={{ ticks: yTicks, position: y, title: text.allSingularValues(formatCount(spectrum.length)) }}
            width={width}
            height={height}
            margin={MARGIN}
          />
          <RandomEdge at={y(edge)} width={width} floor={floor} labelled />
          {positive.length === 1 ? (
            <circle class="wsw-dot" cx={x(1)} cy={y(positive[0] as number)} r={3} />
          ) : (
            positive.length > 0 && <path class="wsw-line" d={`M${line}`} />
          )}
          {pointed !== null && value !== undefined && value > 0 && (
            <circle class="wsw-dot" cx={x(pointed + 1)} cy={y(value)} r={3.5} />
          )}
        </svg>
      )}
      {pointed !== null && <Readout index={pointed} value={value} />}
      {zeros > 0 && pointed === null && <div class="wsw-readout">{text.zeroSingularValues(zeros)}</div>}
    </div>
  );
}

function Readout({ index, value }: { index: number; value: number | undefined }) {
  return (
    <div class="wsw-readout">
      σ<sub>{index + 1}</sub> = {formatNumber(value ?? Number.NaN)}
    </div>
  );
}

function RandomEdge({ at, width, floor, labelled }: { at: number; width: number; floor: number; labelled: boolean }) {
  if (!(at >= MARGIN.top && at <= floor)) return null;
  return (
    <g class="wsw-random">
      <title>{text.randomEdgeHint}</title>
      <line x1={MARGIN.left} x2={width - MARGIN.right} y1={at} y2={at} />
      {labelled && (
        <text x={width - MARGIN.right - 2} y={at - 4} text-anchor="end">
          {text.randomEdge}
        </text>
      )}
    </g>
  );
}
