/** Distributions of several layers over each other, as densities, so that layers of all sizes compare. */

import { scaleLinear, scaleLog } from "d3-scale";
import { useRef } from "preact/hooks";
import { formatTick } from "../domain/format";
import type { Histogram } from "../state/details";
import { say } from "../text/messages";
import { Axes, type Margin } from "./Axes";
import { useSize } from "./size";
import { logTicks } from "./ticks";

const MARGIN: Margin = { top: 20, right: 12, bottom: 36, left: 42 };

export interface NamedHistogram {
  row: number;
  colour: string;
  histogram: Histogram;
}

/** Share of a layer's weights in each bin, by the width of a weight of 1. */
export function densities({ low, high, counts }: Histogram): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const width = (high - low) / counts.length || 1;
  return Array.from(counts, (count) => count / total / width);
}

export function DistributionOverlay({ layers, logarithmic }: { layers: NamedHistogram[]; logarithmic: boolean }) {
  const plot = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plot).value;
  const low = Math.min(...layers.map(({ histogram }) => histogram.low));
  const high = Math.max(...layers.map(({ histogram }) => histogram.high));
  const [start, end] = low < high ? [low, high] : [low - 0.5, high + 0.5];
  const every = layers.map(({ histogram }) => densities(histogram));
  const top = Math.max(...every.flat()) || 1;
  const least = Math.min(...every.flat().filter((density) => density > 0), top);
  const floor = height - MARGIN.bottom;
  const x = scaleLinear([start, end], [MARGIN.left, width - MARGIN.right]);
  const y = logarithmic
    ? scaleLog([least / 1.5, top * 1.5], [floor, MARGIN.top])
    : scaleLinear([0, top * 1.04], [floor, MARGIN.top]);
  const yTicks = logarithmic
    ? logTicks(y.domain() as [number, number], Math.max(2, Math.floor(height / 36)))
    : y.ticks(Math.max(2, Math.floor(height / 40))).map((value) => ({ value, label: formatTick(value) }));
  const xTicks = x.ticks(Math.max(2, Math.floor(width / 75))).map((value) => ({ value, label: formatTick(value) }));
  const outline = ({ low, high, counts }: Histogram, heights: number[]): string => {
    const edge = (bin: number): string => x(low + ((high - low) * bin) / counts.length).toFixed(2);
    const steps = heights.map(
      (density, bin) => `V${(density > 0 ? Math.min(floor, y(density)) : floor).toFixed(2)}H${edge(bin + 1)}`,
    );
    return `M${edge(0)},${floor}${steps.join("")}V${floor}`;
  };
  return (
    <div class="wsw-plot" ref={plot}>
      {width > 0 && (
        <svg class="wsw-layer wsw-histogram" width={width} height={height} aria-hidden="true">
          <Axes
            x={{ ticks: xTicks, position: x, title: say("page.weight") }}
            y={{ ticks: yTicks, position: y, title: logarithmic ? say("page.densityLog") : say("page.density") }}
            width={width}
            height={height}
            margin={MARGIN}
          />
          {layers.map(({ row, colour, histogram }, index) => (
            <path
              key={row}
              class="wsw-series"
              data-row={row}
              d={outline(histogram, every[index] as number[])}
              stroke={colour}
            />
          ))}
        </svg>
      )}
    </div>
  );
}
