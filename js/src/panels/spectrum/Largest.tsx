/** The largest singular values on a linear axis: bars of one layer, or a line for each of several. */

import { scaleBand, scaleLinear } from "d3-scale";
import { useRef, useState } from "preact/hooks";
import { Axes } from "../../charts/Axes";
import { useSize } from "../../charts/size";
import { formatTick } from "../../domain/format";
import { say } from "../../text/messages";
import { MARGIN, RandomEdge, Readout } from "./parts";
import type { Spectrum } from "./spectrum";

const TOP_K = 10;
const WIDEST_BAR = 40;

export function Largest({ main, spectra }: { main: Spectrum; spectra: Spectrum[] }) {
  const plot = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plot).value;
  const [pointed, setPointed] = useState<number | null>(null);
  const shown = Math.min(TOP_K, Math.max(...spectra.map(({ values }) => values.length)));
  const indices = Array.from({ length: shown }, (_, index) => index + 1);
  const x = scaleBand<number>(indices, [MARGIN.left, width - MARGIN.right]).padding(0.25);
  const barWidth = Math.min(x.bandwidth(), WIDEST_BAR);
  const centre = (index: number): number => (x(index) ?? 0) + x.bandwidth() / 2;
  const floor = height - MARGIN.bottom;
  const most = Math.max(...spectra.map(({ values, edge }) => Math.max(values[0] ?? 0, edge || 0)));
  const y = scaleLinear([0, 1.04 * (most || 1)], [floor, MARGIN.top]);
  const yTicks = y.ticks(Math.max(2, Math.floor(height / 40))).map((value) => ({ value, label: formatTick(value) }));
  const xTicks = indices.map((index) => ({ value: index, label: String(index) }));
  const largest = Array.from(main.values.subarray(0, TOP_K));
  const path = (values: Float64Array): string =>
    Array.from(
      values.subarray(0, TOP_K),
      (value, index) => `${centre(index + 1).toFixed(2)},${y(value).toFixed(2)}`,
    ).join("L");
  return (
    <div class="wsw-plot" ref={plot}>
      {width > 0 && (
        <svg class="wsw-layer wsw-largest" width={width} height={height} aria-hidden="true">
          <Axes
            x={{ ticks: xTicks, position: centre, title: say("page.index") }}
            y={{ ticks: yTicks, position: y, title: say("page.topSingularValues", { count: shown }) }}
            width={width}
            height={height}
            margin={MARGIN}
          />
          {spectra.length === 1
            ? largest.map((value, index) => (
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
              ))
            : spectra.map(({ row, values, colour }) => (
                <g key={row}>
                  <path class="wsw-series" d={`M${path(values)}`} stroke={colour} data-row={row} />
                  {Array.from(values.subarray(0, TOP_K), (value, index) => (
                    <circle key={index} cx={centre(index + 1)} cy={y(value)} r={2.5} fill={colour} />
                  ))}
                </g>
              ))}
          <RandomEdge at={y(main.edge)} width={width} floor={floor} labelled={false} />
        </svg>
      )}
      {pointed !== null && spectra.length === 1 && <Readout index={pointed} value={largest[pointed]} />}
    </div>
  );
}
