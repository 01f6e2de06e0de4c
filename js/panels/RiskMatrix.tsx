/** The quantization risk matrix: extreme outliers × SQNR, a mark per layer, marks on canvas and axes in SVG. */

import { computed, effect, signal, useSignal } from "@preact/signals";
import { max, min } from "d3-array";
import { type ScaleContinuousNumeric, scaleLinear, scaleSymlog } from "d3-scale";
import { select } from "d3-selection";
import { symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from "d3-shape";
import { type ZoomTransform, zoom, zoomIdentity } from "d3-zoom";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Axes, type Margin } from "../charts/Axes";
import { prepare } from "../charts/canvas";
import { placeLabels } from "../charts/labels";
import { type Size, useSize } from "../charts/size";
import { symlogPercentTicks } from "../charts/ticks";
import { useView } from "../context";
import { formatDecibel, formatNumber, formatPercentage, formatTick } from "../format";
import { walkKeys } from "../keys";
import type { Family } from "../model";
import { PALETTES } from "../palette";
import type { Store } from "../store";
import { factsOf, text } from "../text";
import { Empty, Panel } from "./Panel";

const MARGIN: Margin = { top: 22, right: 16, bottom: 38, left: 40 };
const RISKIEST = 4; // labelled by the risk score, which also knows the condition number
const SOME_RISK = 1; // a third of a per cent of extreme outliers
const LOWEST = 3; // labelled because they lie lowest here
const REACH = 14; // pixels around a mark that count as on it
const FAMILIES: Family[] = ["attention", "mlp", "embedding", "other"];
const SYMBOLS = { attention: symbolCircle, mlp: symbolSquare, embedding: symbolDiamond, other: symbolTriangle };

interface Point {
  row: number;
  outliers: number;
  sqnr: number;
}

interface Scales {
  x: ScaleContinuousNumeric<number, number>;
  y: ScaleContinuousNumeric<number, number>;
}

/** The layers that have a place; a tensor that INT8 stores exactly (SQNR ∞) is drawn at the top of the plot. */
function pointsOf(store: Store): Point[] {
  const { value: table } = store.table;
  return store.catalog.value.names
    .map((_, row) => ({
      row,
      outliers: table.value("quantization.extreme_outlier_percentage", row),
      sqnr: table.value("quantization.sqnr_db", row),
    }))
    .filter(({ outliers, sqnr }) => !Number.isNaN(outliers) && !Number.isNaN(sqnr));
}

/** Both scales without zoom: all points, both document lines, and the start of the risk region are in view. */
function scalesOf(points: Point[], size: Size): Scales {
  const finite = points.map(({ sqnr }) => sqnr).filter(Number.isFinite);
  const widest = Math.max(1.6, 1.35 * (max(points, ({ outliers }) => outliers) ?? 0));
  return {
    x: scaleSymlog()
      .constant(0.01)
      .domain([0, Math.min(widest, 110)])
      .range([MARGIN.left + 8, size.width - MARGIN.right]),
    y: scaleLinear()
      .domain([Math.min(28.5, (min(finite) ?? 30) - 1), Math.max(41, (max(finite) ?? 40) + 1)])
      .range([size.height - MARGIN.bottom, MARGIN.top]),
  };
}

export function RiskMatrix() {
  const { store, scheme } = useView();
  const plot = useRef<HTMLDivElement>(null);
  const marks = useRef<HTMLCanvasElement>(null);
  const surface = useRef<HTMLDivElement>(null);
  const size = useSize(plot);
  const pointing = useSignal(false); // whether the hover comes from here: only then it has a tooltip

  const chart = useMemo(() => {
    const transform = signal<ZoomTransform>(zoomIdentity);
    const points = computed(() => pointsOf(store));
    const scales = computed<Scales>(() => {
      const { x, y } = scalesOf(points.value, size.value);
      return { x: transform.value.rescaleX(x), y: transform.value.rescaleY(y) };
    });
    const place = ({ outliers, sqnr }: Point): [number, number] => {
      const { x, y } = scales.value;
      return [x(outliers), Number.isFinite(sqnr) ? y(sqnr) : MARGIN.top + 6];
    };
    const nearest = (px: number, py: number): number | null => {
      const found = { row: null as number | null, distance: REACH };
      for (const point of points.value) {
        const [x, y] = place(point);
        const distance = Math.hypot(x - px, y - py);
        if (distance < found.distance && insideFrame(x, y, size.peek()))
          Object.assign(found, { row: point.row, distance });
      }
      return found.row;
    };
    return { transform, points, scales, place, nearest };
  }, [store, size]);

  const zoomer = useMemo(
    () =>
      zoom<HTMLDivElement, unknown>()
        .scaleExtent([1, 400])
        // A plain wheel scrolls the notebook.
        .filter((event: MouseEvent) => (event.type === "wheel" ? event.ctrlKey || event.metaKey : !event.button))
        .wheelDelta((event) => -event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.004))
        .clickDistance(4)
        .on("zoom", ({ transform }) => {
          chart.transform.value = transform;
        }),
    [chart],
  );

  useEffect(() => {
    const element = surface.current;
    if (!element) return;
    const target = select(element).call(zoomer);
    const stop = effect(() => {
      const { width, height } = size.value;
      const frame: [[number, number], [number, number]] = [
        [MARGIN.left, MARGIN.top],
        [width - MARGIN.right, height - MARGIN.bottom],
      ];
      zoomer.extent(frame).translateExtent(frame);
    });
    return () => {
      stop();
      target.on(".zoom", null);
    };
  }, [zoomer, size]);

  // Marks: redrawn when the data, the view or the colours change, but not when the pointer moves.
  useEffect(
    () =>
      effect(() => {
        const canvas = marks.current;
        const context = canvas && prepare(canvas, size.value);
        if (context) drawMarks(context, size.value, chart.points.value, chart.place, store, PALETTES[scheme.value]);
      }),
    [chart, store, scheme, size],
  );

  const zoomBy = (factor: number) => surface.current && select(surface.current).call(zoomer.scaleBy, factor);
  const reset = () => surface.current && select(surface.current).call(zoomer.transform, zoomIdentity);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "+" || event.key === "=") zoomBy(1.5);
    else if (event.key === "-") zoomBy(1 / 1.5);
    else if (event.key === "0") reset();
    else if (walkKeys(store, event)) return;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const under = (event: MouseEvent): number | null => {
    const bounds = surface.current?.getBoundingClientRect();
    return bounds ? chart.nearest(event.clientX - bounds.left, event.clientY - bounds.top) : null;
  };

  const points = chart.points.value;
  const missing = store.catalog.value.names.filter((_, row) => store.table.value.stage(row) > 0).length - points.length;
  const { names } = store.catalog.value;
  const measured = store.catalog.value.methods.includes("quantization");
  const { width, height } = size.value;

  return (
    <Panel
      name="risk-matrix"
      title={text.riskMatrix}
      aside={<Legend />}
      controls={
        <div class="wsw-buttons" role="group" title={text.zoomHint}>
          <button type="button" aria-label={text.zoomIn} title={text.zoomIn} onClick={() => zoomBy(1.5)}>
            +
          </button>
          <button type="button" aria-label={text.zoomOut} title={text.zoomOut} onClick={() => zoomBy(1 / 1.5)}>
            −
          </button>
          <button type="button" aria-label={text.resetZoom} title={text.resetZoom} onClick={reset}>
            ⤢
          </button>
        </div>
      }
    >
      <div class="wsw-plot" ref={plot}>
        {width > 0 && <Frame scales={chart.scales.value} size={size.value} />}
        <canvas ref={marks} class="wsw-canvas" style={{ width: `${width}px`, height: `${height}px` }} />
        {width > 0 && <Highlights chart={chart} size={size.value} pointing={pointing.value} />}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a chart that arrow keys walk is interactive */}
        <div
          ref={surface}
          class="wsw-surface"
          role="application"
          tabIndex={0}
          aria-label={text.riskMatrixAbout(names.length)}
          onPointerMove={(event) => {
            pointing.value = !event.buttons;
            if (!event.buttons) store.hover(under(event));
          }}
          onPointerLeave={() => {
            pointing.value = false;
            store.hover(null);
          }}
          onClick={(event) => {
            const row = under(event);
            if (row !== null) store.select(row);
          }}
          onKeyDown={onKeyDown}
        />
        {points.length === 0 && <Empty>{measured ? text.waitingForPoints : text.noQuantization}</Empty>}
      </div>
      <p class="wsw-note">
        {text.ruleOfThumb}
        {measured && missing > 0 && <> {text.notDrawn(missing)}.</>}
      </p>
    </Panel>
  );
}

interface Chart {
  points: { value: Point[] };
  place(point: Point): [number, number];
}

function insideFrame(x: number, y: number, { width, height }: Size): boolean {
  return x >= MARGIN.left && x <= width - MARGIN.right && y >= MARGIN.top && y <= height - MARGIN.bottom;
}

function drawMarks(
  context: CanvasRenderingContext2D,
  size: Size,
  points: Point[],
  place: Chart["place"],
  store: Store,
  palette: (typeof PALETTES)["light"],
): void {
  const { families } = store.catalog.value;
  const matching = new Set(store.matching.value);
  const radius = points.length > 2000 ? 2.5 : points.length > 300 ? 3.5 : 4.5;
  context.save();
  context.beginPath();
  context.rect(
    MARGIN.left - 6,
    MARGIN.top - 6,
    size.width - MARGIN.left - MARGIN.right + 12,
    size.height - MARGIN.top - MARGIN.bottom + 12,
  );
  context.clip();
  context.strokeStyle = palette.ground;
  context.lineWidth = 1;
  for (const family of [...FAMILIES].reverse()) {
    const shape = new Path2D(symbol(SYMBOLS[family], Math.PI * radius ** 2)() ?? "");
    context.fillStyle = palette.families[family];
    for (const point of points) {
      if (families[point.row] !== family) continue;
      const [x, y] = place(point);
      context.globalAlpha = matching.has(point.row) ? 0.9 : 0.12;
      context.translate(x, y);
      context.fill(shape);
      context.stroke(shape);
      context.translate(-x, -y);
    }
  }
  context.restore();
}

/** Axes, the document's lines and the risk region. */
function Frame({ scales: { x, y }, size: { width, height } }: { scales: Scales; size: Size }) {
  const { store } = useView();
  const { thresholds } = store;
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
  const [safe, risky] = thresholds.value.sqnr_db;
  const [, strategy] = thresholds.value.extreme_outlier_percentage;
  const riskTop = Math.max(top, Math.min(bottom, y(risky)));
  const xDomain = x.domain() as [number, number];
  const xTicks = symlogPercentTicks([Math.max(0, xDomain[0]), xDomain[1]], x, 34).filter(
    ({ value }) => x(value) >= left - 1,
  );
  const yTicks = y.ticks(Math.max(3, Math.round(height / 55))).map((value) => ({ value, label: formatTick(value) }));
  const drawn = (at: number, low: number, high: number): boolean => at >= low && at <= high;
  return (
    <svg class="wsw-layer" width={width} height={height} aria-hidden="true">
      <rect class="wsw-risk-region" x={left} width={right - left} y={riskTop} height={bottom - riskTop} />
      <Axes
        x={{ ticks: xTicks, position: x, title: text.extremeOutliers }}
        y={{ ticks: yTicks, position: y, title: text.sqnr }}
        width={width}
        height={height}
        margin={MARGIN}
      />
      {bottom - riskTop > 16 && (
        <text class="wsw-region-label" x={left + 8} y={riskTop + 14}>
          {text.highRisk}
        </text>
      )}
      {drawn(y(safe), top, bottom) && (
        <g class="wsw-threshold">
          <line x1={left} x2={right} y1={y(safe)} y2={y(safe)} />
          <text x={right - 4} y={y(safe) - 4} text-anchor="end">
            {formatTick(safe)} dB
          </text>
        </g>
      )}
      {drawn(x(strategy), left, right) && (
        <g class="wsw-threshold">
          <line y1={top} y2={bottom} x1={x(strategy)} x2={x(strategy)} />
          <text x={x(strategy) + 4} y={bottom - 6}>
            {formatTick(strategy)} %
          </text>
        </g>
      )}
    </svg>
  );
}

const LABEL_HEIGHT = 15;
const measure = document.createElement("canvas").getContext("2d");
const labelWidth = (label: string): number => {
  if (!measure) return label.length * 6;
  measure.font = "11px system-ui, sans-serif";
  return measure.measureText(label).width + 6;
};

/** What follows the pointer and the selection, and the names of the riskiest. */
function Highlights({ chart, size, pointing }: { chart: Chart; size: Size; pointing: boolean }) {
  const { store } = useView();
  const { labels } = store.catalog.value;
  const { value: selected } = store.selected;
  const { value: hovered } = store.hovered;
  const judgements = store.judgements.value;
  const drawn = chart.points.value
    .map((point) => ({ row: point.row, place: chart.place(point) }))
    .filter(({ place: [x, y] }) => insideFrame(x, y, size));
  const at = new Map(drawn.map(({ row, place }) => [row, place]));

  const labelled = notable(
    drawn.map(({ row }) => row),
    (row) => judgements[row]?.risk ?? Number.NaN,
    (row) => store.table.value.value("quantization.sqnr_db", row),
    store.thresholds.value.sqnr_db[1],
  );
  const chosen = [selected, hovered].filter((row) => row !== null && at.has(row)) as number[];
  const named = [...new Set([...chosen, ...labelled])];
  const frame = {
    x: MARGIN.left,
    y: MARGIN.top,
    width: size.width - MARGIN.left - 4,
    height: size.height - MARGIN.top - MARGIN.bottom,
  };
  const boxes = placeLabels(
    named.map((row) => {
      const [x, y] = at.get(row) as [number, number];
      return { x, y, width: labelWidth(labels[row] ?? "") };
    }),
    // A crowd cannot be avoided, and the search would be felt.
    drawn.length > 1000 ? [] : drawn.map(({ place: [x, y] }) => ({ x, y })),
    frame,
    LABEL_HEIGHT,
    9,
  );
  const ring = (row: number | null, name: string) => {
    const place = row === null ? undefined : at.get(row);
    return place && <circle class={name} cx={place[0]} cy={place[1]} r={8} />;
  };
  const pointed = hovered === null ? undefined : at.get(hovered);
  return (
    <>
      <svg class="wsw-layer" width={size.width} height={size.height} aria-hidden="true">
        {boxes.map((box, index) => {
          const row = named[index] as number;
          return (
            box && (
              <text
                key={row}
                class={row === selected ? "wsw-label wsw-label-selected" : "wsw-label"}
                x={box.x + 3}
                y={box.y + 11}
              >
                {labels[row]}
              </text>
            )
          );
        })}
        {ring(selected, "wsw-ring-selected")}
        {hovered !== selected && ring(hovered, "wsw-ring-hovered")}
      </svg>
      {pointing && hovered !== null && pointed && <Tooltip row={hovered} place={pointed} size={size} />}
    </>
  );
}

/** Rows worth a label: the riskiest of all, others of some risk, and those that lie lowest in the risk region. */
function notable(
  rows: number[],
  risk: (row: number) => number,
  sqnr: (row: number) => number,
  risky: number,
): number[] {
  const byRisk = rows.filter((row) => !Number.isNaN(risk(row))).sort((a, b) => risk(b) - risk(a));
  const lowest = rows.filter((row) => sqnr(row) < risky).sort((a, b) => sqnr(a) - sqnr(b));
  return [
    ...byRisk.slice(0, RISKIEST).filter((row, index) => index === 0 || risk(row) >= SOME_RISK),
    ...lowest.slice(0, LOWEST),
  ];
}

function Tooltip({ row, place: [x, y], size }: { row: number; place: [number, number]; size: Size }) {
  const { store } = useView();
  const { catalog, table, judgements } = store;
  const { labels, names, families, kinds, shapes } = catalog.value;
  const value = (column: string): number => table.value.value(column, row);
  const grade = judgements.value[row]?.grade;
  const horizontal = x < size.width / 2 ? { left: `${x + 14}px` } : { right: `${size.width - x + 14}px` };
  const vertical = y < size.height / 2 ? { top: `${y + 6}px` } : { bottom: `${size.height - y + 6}px` };
  return (
    <div class="wsw-tooltip" style={{ ...horizontal, ...vertical }} aria-hidden="true">
      <strong>{labels[row]}</strong>
      {names[row] !== labels[row] && <div class="wsw-tooltip-name">{names[row]}</div>}
      <dl>
        <dt>{text.kind}</dt>
        <dd>{factsOf(kinds[row], families[row], shapes[row])}</dd>
        <dt>{text.metricTitles.sqnr_db}</dt>
        <dd>{formatDecibel(value("quantization.sqnr_db"))}</dd>
        <dt>{text.metricTitles.extreme_outlier_percentage}</dt>
        <dd>{formatPercentage(value("quantization.extreme_outlier_percentage"))}</dd>
        <dt>{text.columns.condition_number}</dt>
        <dd>{formatNumber(value("spectral.condition_number"))}</dd>
        {grade && (
          <>
            <dt>{text.columns.grade}</dt>
            <dd>{text.grade[grade]}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

function Legend() {
  const { store } = useView();
  const present = new Set(store.catalog.value.families);
  return (
    <ul class="wsw-legend">
      {FAMILIES.filter((family) => present.has(family)).map((family) => (
        <li key={family}>
          <svg width="10" height="10" viewBox="-6 -6 12 12" aria-hidden="true">
            <path d={symbol(SYMBOLS[family], 58)() ?? ""} fill={`var(--wsw-${family})`} />
          </svg>
          {text.family[family]}
        </li>
      ))}
    </ul>
  );
}
