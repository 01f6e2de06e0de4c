/** Layers as horizontal bars, one below the other: only those in view are drawn, however many there are. */

import { effect, type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import type { ClassifiedMetric } from "../domain/assessment";
import { formatMetric } from "../domain/metrics";
import { useView } from "../state/context";
import { say } from "../text/messages";
import { PALETTES } from "../theme/palette";
import type { Margin } from "./Axes";
import type { MetricAxis } from "./axis";
import { useAfterPaint, useLate } from "./late";
import { Marks } from "./Marks";
import { shortened, textWidth } from "./measure";
import type { Painter } from "./painter";
import { Surface } from "./Surface";
import { useScroll } from "./scroll";
import { type Size, useSize } from "./size";
import { ThresholdLine } from "./ThresholdLine";

const ROW = 18;
const BAR = 11;
const GAP = 8; // between a label and its bar
const MARGIN: Margin = { top: 4, right: 56, bottom: 36, left: 8 };
const MOST_LABEL = 0.4; // of the width

export interface Bars {
  metric: string;
  /** The metric whose thresholds are drawn, where it has some. */
  classified?: ClassifiedMetric;
  /** Rows in the order of the list. */
  rows: ReadonlySignal<number[]>;
  value(row: number): number;
  colour(value: number): string;
  /** What chance would give, drawn as a tick across the bar; NaN where unknown. */
  baseline?(row: number): number;
  axis(range: [number, number]): MetricAxis;
  title: string;
  label: string;
}

export function BarList(bars: Bars) {
  const { store, scheme } = useView();
  const { labels } = store.catalog.value;
  const { rows, value, colour, baseline } = bars;
  const scroller = useRef<HTMLDivElement>(null);
  const size = useSize(scroller);
  const scroll = useScroll(scroller);
  const { top } = scroll;
  const selected = useLate(useAfterPaint(store.selected), scroller);
  const late = useLate(useAfterPaint(store.compared), scroller);

  const list = rows.value;
  const { width, height } = size.value;
  const bottom = height - MARGIN.bottom;
  const shown = Math.ceil((bottom - MARGIN.top) / ROW) + 1;
  const first = Math.max(0, Math.min(Math.floor(top.value / ROW), list.length - 1));
  const inView = list.slice(first, first + shown);
  // All labels would have to be measured to know the widest; the longest by letters will do.
  const widest = useComputed(() => {
    const every = store.catalog.value.labels;
    const longest = [...every].sort((a, b) => b.length - a.length).slice(0, 8);
    return Math.max(0, ...longest.map(textWidth));
  });
  const gutter = MARGIN.left + Math.min(widest.value, MOST_LABEL * width) + GAP;
  const right = Math.max(gutter + 1, width - MARGIN.right);
  const axis = bars.axis([gutter, right]);
  const y = (index: number): number => MARGIN.top + index * ROW - top.value;

  // The marks follow signals; what they need besides is kept beside them.
  const view = useSignal({ list, axis, gutter });
  useEffect(() => {
    view.value = { list, axis, gutter };
  });
  const paint = useCallback(
    (painter: Painter, { width, height }: Size) => {
      const { list, axis, gutter } = view.value;
      const palette = PALETTES[scheme.value];
      const mask = store.mask.value;
      const start = Math.max(0, Math.floor(top.value / ROW));
      const end = Math.min(list.length, start + Math.ceil(height / ROW) + 1);
      painter.clip(0, MARGIN.top, width, height - MARGIN.top - MARGIN.bottom, () => {
        for (let index = start; index < end; index++) {
          const row = list[index] as number;
          const at = MARGIN.top + index * ROW - top.value + (ROW - BAR) / 2;
          const number = value(row);
          const length = Math.max(1.5, axis.place(number) - gutter);
          painter.rect(gutter, at, length, BAR, colour(number), mask[row] ? 0.9 : 0.25);
          const chance = baseline && store.view.value.random ? baseline(row) : Number.NaN;
          if (!Number.isNaN(chance)) painter.rect(axis.place(chance) - 1, at - 2, 2, BAR + 4, palette.ink, 0.75);
        }
      });
    },
    [store, scheme, view, top, value, colour, baseline],
  );

  // A selection made elsewhere comes into view.
  useEffect(
    () =>
      effect(() => {
        const at = selected.value === null ? -1 : rows.value.indexOf(selected.value);
        if (at >= 0) scroll.reveal(at * ROW, (at + 1) * ROW, size.value.height - MARGIN.top - MARGIN.bottom);
      }),
    [selected, rows, scroll, size],
  );

  const rowAt = (_: number, at: number): number | null => {
    if (at < MARGIN.top || at > bottom) return null;
    return list[Math.floor((at - MARGIN.top + top.value) / ROW)] ?? null;
  };
  const placeOf = (row: number): [number, number] | null => {
    const index = list.indexOf(row, first);
    return index < 0 || y(index) > bottom ? null : [Math.max(gutter + 40, width / 2), y(index) + ROW / 2];
  };
  const levels = bars.classified ? store.thresholds.value[bars.classified] : [];
  const compared = late.value;

  return (
    <div class="wsw-bars-scroller" ref={scroller} onScroll={scroll.onScroll}>
      <div style={{ height: `${list.length * ROW + MARGIN.top + MARGIN.bottom}px` }}>
        <div class="wsw-plot wsw-sticky" style={{ height: `${height}px` }}>
          {width > 0 && (
            <>
              <svg class="wsw-layer" width={width} height={height} aria-hidden="true">
                <g class="wsw-axes">
                  {axis.ticks.map(({ value, label }) => (
                    <g key={value} transform={`translate(${axis.place(value)},${bottom})`}>
                      <line y1={MARGIN.top - bottom} class="wsw-grid" />
                      <line y2={4} class="wsw-tick" />
                      <text y={16} text-anchor="middle">
                        {label}
                      </text>
                    </g>
                  ))}
                  <line x1={gutter} x2={right} y1={bottom} y2={bottom} class="wsw-axis" />
                  <text class="wsw-axis-title" x={right} y={height - 4} text-anchor="end">
                    {bars.title}
                  </text>
                </g>
              </svg>
              <Marks size={size} paint={paint} />
              <svg class="wsw-layer wsw-inert" width={width} height={height} aria-hidden="true">
                <Pointed
                  yOf={(row) => {
                    const index = inView.indexOf(row);
                    return index < 0 || y(first + index) + ROW > bottom + ROW / 2 ? null : y(first + index);
                  }}
                  width={width}
                />
                {inView.map((row, index) => {
                  const at = y(first + index);
                  if (at < MARGIN.top - ROW / 2 || at + ROW > bottom + ROW / 2) return null;
                  const number = value(row);
                  return (
                    <g key={row} data-row={row} class={compared.includes(row) ? "wsw-bar-chosen" : undefined}>
                      <text x={gutter - GAP + 2} y={at + ROW / 2} dy="0.32em" text-anchor="end">
                        {shortened(labels[row] ?? "", gutter - MARGIN.left - GAP + 2)}
                      </text>
                      <text class="wsw-bar-value" x={axis.place(number) + 6} y={at + ROW / 2} dy="0.32em">
                        {formatMetric(bars.metric, number)}
                      </text>
                    </g>
                  );
                })}
              </svg>
              <Surface label={bars.label} size={size.value} rowAt={rowAt} placeOf={placeOf} metric={bars.metric} />
              <svg class="wsw-layer wsw-handles" width={width} height={height} aria-label={say("page.thresholds")}>
                {bars.classified &&
                  levels.map((_, index) => (
                    <ThresholdLine
                      key={index}
                      metric={bars.classified as ClassifiedMetric}
                      index={index}
                      axis="x"
                      scale={axis.scale}
                      from={MARGIN.top}
                      to={bottom}
                      ends={[gutter, right]}
                    />
                  ))}
              </svg>
            </>
          )}
        </div>
      </div>
    </div>
  );
}

/** The bands behind the layer under the pointer and the selected one. */
function Pointed({ yOf, width }: { yOf(row: number): number | null; width: number }) {
  const { store } = useView();
  const rows = new Set([store.hovered.value, store.selected.value]);
  return (
    <>
      {[...rows].map((row) => {
        const y = row === null ? null : yOf(row);
        return y !== null && <rect key={row} class="wsw-pointed" x={0} width={width} y={y} height={ROW} />;
      })}
    </>
  );
}
