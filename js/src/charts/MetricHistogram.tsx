/** How a metric is spread over the layers: all of them faintly, those that the filters leave in the classes' colours. */

import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { formatCount } from "../domain/format";
import { classifiedMetric, formatMetric } from "../domain/metrics";
import { useView } from "../state/context";
import { say, titleOf } from "../text/messages";
import { PALETTES } from "../theme/palette";
import { Axes, type Margin } from "./Axes";
import { metricAxis, unitOf } from "./axis";
import { colouring } from "./colour";
import { type Corner, Surface } from "./Surface";
import { useSize } from "./size";
import { ThresholdLine } from "./ThresholdLine";

const MARGIN: Margin = { top: 20, right: 10, bottom: 34, left: 38 };
const BIN = 9; // pixels

export function MetricHistogram({ metric }: { metric: string }) {
  const { store, scheme } = useView();
  const plot = useRef<HTMLDivElement>(null);
  const size = useSize(plot);
  const brushed = useSignal<[number, number] | null>(null); // while it is dragged, in pixels
  const binned = useComputed(() => {
    const { width } = size.value;
    const values = store.column(metric);
    const [left, right] = [MARGIN.left, Math.max(MARGIN.left + BIN, width - MARGIN.right)];
    const axis = metricAxis(metric, values, [left, right], store.thresholds.value);
    const bins = Math.max(1, Math.round((right - left) / BIN));
    const of = Int32Array.from(values, (value) =>
      Number.isNaN(value) ? -1 : Math.min(bins - 1, Math.floor(((axis.place(value) - left) / (right - left)) * bins)),
    );
    return { axis, bins, of, left, right };
  });
  const counted = useComputed(() => {
    const { bins, of } = binned.value;
    const mask = store.mask.value;
    const [all, kept] = [new Float64Array(bins), new Float64Array(bins)];
    for (const [row, bin] of of.entries()) {
      if (bin < 0) continue;
      all[bin] = (all[bin] as number) + 1;
      if (mask[row]) kept[bin] = (kept[bin] as number) + 1;
    }
    return { all, kept };
  });
  const { axis, bins, left, right } = binned.value;
  const { all, kept } = counted.value;
  const { width, height } = size.value;
  const bottom = height - MARGIN.bottom;
  const top = Math.max(1, ...all);
  const y = (count: number): number => bottom - (count / top) * (bottom - MARGIN.top);
  const { colour } = colouring(metric, store.column(metric), store.thresholds.value, scheme.value);
  const edge = (bin: number): number => left + (bin / bins) * (right - left);
  const ticks = [0, top].map((value) => ({ value, label: formatCount(value) }));

  const filter = store.filters.value.get(`range:${metric}`);
  const range: [number, number] | null =
    brushed.value ?? (filter?.by === "range" ? [axis.place(filter.low), axis.place(filter.high)] : null);
  // To the axis' end means to the end of all values, infinite ones among them.
  const valueAt = (x: number): number =>
    x >= right - 1 ? Number.POSITIVE_INFINITY : x <= left + 1 ? Number.NEGATIVE_INFINITY : axis.scale.invert(x);
  const span = (path: readonly Corner[]): [number, number] => {
    const [first, last] = [path[0], path[path.length - 1]] as [Corner, Corner];
    const [low, high] = [Math.min(first[0], last[0]), Math.max(first[0], last[0])];
    return [Math.max(left, low), Math.min(right, high)];
  };
  const narrow = ([low, high]: [number, number]): void =>
    store.narrow({ by: "range", metric, low: valueAt(low), high: valueAt(high) });
  const pointed = useSignal<number | null>(null);
  const classified = classifiedMetric(metric);
  const title = titleOf(metric) + unitOf(metric);

  return (
    <div class="wsw-plot wsw-metric-histogram" ref={plot} data-metric={metric}>
      {width > 0 && (
        <>
          <svg class="wsw-layer" width={width} height={height} aria-hidden="true">
            <Axes
              x={{ ticks: axis.ticks, position: axis.place, title: "" }}
              y={{ ticks, position: y, title }}
              width={width}
              height={height}
              margin={MARGIN}
            />
            {Array.from(all, (count, bin) =>
              count === 0 ? null : (
                <g key={bin} class="wsw-bin">
                  <rect
                    class="wsw-bin-all"
                    x={edge(bin) + 0.5}
                    width={edge(bin + 1) - edge(bin) - 1}
                    y={y(count)}
                    height={bottom - y(count)}
                  />
                  <rect
                    class="wsw-bin-kept"
                    x={edge(bin) + 0.5}
                    width={edge(bin + 1) - edge(bin) - 1}
                    y={y(kept[bin] as number)}
                    height={bottom - y(kept[bin] as number)}
                    fill={
                      (classified && colour(axis.scale.invert((edge(bin) + edge(bin + 1)) / 2))) ||
                      PALETTES[scheme.value].levels.blue
                    }
                  />
                </g>
              ),
            )}
            {range && (
              <rect
                class="wsw-brush"
                x={range[0]}
                width={Math.max(1, range[1] - range[0])}
                y={MARGIN.top}
                height={bottom - MARGIN.top}
              />
            )}
          </svg>
          <Surface
            label={say("page.histogramAbout", { title: titleOf(metric) })}
            size={size.value}
            rowAt={(x) => {
              pointed.value =
                x >= left && x <= right ? Math.min(bins - 1, Math.floor(((x - left) / (right - left)) * bins)) : null;
              return null;
            }}
            placeOf={() => null}
            drag={{
              moved: (path) => {
                brushed.value = span(path);
                narrow(span(path));
              },
              ended: (path) => {
                brushed.value = null;
                narrow(span(path));
              },
            }}
            onLeave={() => {
              pointed.value = null;
            }}
            onMiss={() => store.widen(`range:${metric}`)}
          />
          <svg class="wsw-layer wsw-handles" width={width} height={height} aria-label={say("page.thresholds")}>
            {classified &&
              store.thresholds.value[classified].map((_, index) => (
                <ThresholdLine
                  key={index}
                  metric={classified}
                  index={index}
                  axis="x"
                  scale={axis.scale}
                  from={MARGIN.top}
                  to={bottom}
                  ends={[left, right]}
                />
              ))}
          </svg>
          {pointed.value !== null && (
            <div class="wsw-readout">
              {say("page.bin", {
                low: formatMetric(metric, axis.scale.invert(edge(pointed.value))),
                high: formatMetric(metric, axis.scale.invert(edge(pointed.value + 1))),
                count: formatCount(kept[pointed.value] ?? 0),
              })}
            </div>
          )}
        </>
      )}
    </div>
  );
}
