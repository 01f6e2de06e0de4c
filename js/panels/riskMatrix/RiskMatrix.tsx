/** The quantization risk matrix: extreme outliers × SQNR, a mark per layer, marks on canvas and axes in SVG. */

import { computed, effect, signal, useSignal } from "@preact/signals";
import { select } from "d3-selection";
import { type ZoomTransform, zoom, zoomIdentity } from "d3-zoom";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { prepare } from "../../charts/canvas";
import { useSize } from "../../charts/size";
import { useView } from "../../context";
import { walkKeys } from "../../keys";
import { PALETTES } from "../../palette";
import { text } from "../../text";
import { Empty, Panel } from "../Panel";
import { Frame, Legend } from "./Frame";
import { Highlights } from "./Highlights";
import { drawMarks, insideFrame, MARGIN, type Point, pointsOf, type Scales, scalesOf } from "./scene";

const REACH = 14; // pixels around a mark that count as on it

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
        <fieldset class="wsw-buttons" title={text.zoomHint}>
          <button type="button" aria-label={text.zoomIn} title={text.zoomIn} onClick={() => zoomBy(1.5)}>
            +
          </button>
          <button type="button" aria-label={text.zoomOut} title={text.zoomOut} onClick={() => zoomBy(1 / 1.5)}>
            −
          </button>
          <button type="button" aria-label={text.resetZoom} title={text.resetZoom} onClick={reset}>
            ⤢
          </button>
        </fieldset>
      }
    >
      <div class="wsw-plot" ref={plot}>
        {width > 0 && <Frame scales={chart.scales.value} size={size.value} />}
        <canvas ref={marks} class="wsw-canvas" style={{ width: `${width}px`, height: `${height}px` }} />
        {width > 0 && <Highlights chart={chart} size={size.value} pointing={pointing.value} />}
        <div
          ref={surface}
          class="wsw-surface"
          role="application"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a chart that arrow keys walk is interactive
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
