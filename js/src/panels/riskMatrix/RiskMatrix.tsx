/** The quantization risk matrix: extreme outliers × SQNR, a mark per layer, marks on canvas and axes in SVG. */

import { computed, effect, type Signal, signal, useSignal } from "@preact/signals";
import { select } from "d3-selection";
import { line } from "d3-shape";
import { type ZoomTransform, zoom, zoomIdentity } from "d3-zoom";
import { useCallback, useEffect, useMemo, useRef } from "preact/hooks";
import { Marks } from "../../charts/Marks";
import type { Painter } from "../../charts/painter";
import { boxOf, insidePath } from "../../charts/region";
import { type Corner, Surface } from "../../charts/Surface";
import { type Size, useSize } from "../../charts/size";
import { useView } from "../../state/context";
import { named, say } from "../../text/messages";
import { PALETTES } from "../../theme/palette";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Panel";
import { Frame, Handles, Legend } from "./Frame";
import { Highlights } from "./Highlights";
import { insideFrame, MARGIN, paintMarks, pointsOf, type Scales, scalesOf } from "./scene";

const REACH = 14; // pixels around a mark that count as on it

/** What a drag does. */
type Tool = "box" | "lasso" | "move";
const TOOLS: Tool[] = ["box", "lasso", "move"];

export function RiskMatrix() {
  const { store, scheme } = useView();
  const plot = useRef<HTMLDivElement>(null);
  const surface = useRef<HTMLElement | null>(null);
  const size = useSize(plot);
  const tool = useSignal<Tool>("box");
  const outline = useSignal<readonly Corner[] | null>(null);

  const chart = useMemo(() => {
    const transform = signal<ZoomTransform>(zoomIdentity);
    const points = computed(() => pointsOf(store));
    const scales = computed<Scales>(() => {
      const [safe, risky] = store.thresholds.value.sqnr_db;
      const { x, y } = scalesOf(points.value, size.value, safe, risky);
      return { x: transform.value.rescaleX(x), y: transform.value.rescaleY(y) };
    });
    // Pixels of all points, once for each view of them.
    const places = computed(() => {
      const { x, y } = scales.value;
      const [across, upwards] = [new Float64Array(points.value.length), new Float64Array(points.value.length)];
      for (const [index, { outliers, sqnr }] of points.value.entries()) {
        across[index] = x(outliers);
        upwards[index] = Number.isFinite(sqnr) ? y(sqnr) : MARGIN.top + 6;
      }
      return { across, upwards };
    });
    const place = (index: number): Corner => [
      places.value.across[index] as number,
      places.value.upwards[index] as number,
    ];
    const nearest = (px: number, py: number): number | null => {
      const { across, upwards } = places.value;
      let [found, distance] = [null as number | null, REACH];
      for (const [index, { row }] of points.value.entries()) {
        const [x, y] = [across[index] as number, upwards[index] as number];
        if (Math.abs(x - px) > distance || Math.abs(y - py) > distance) continue;
        const away = Math.hypot(x - px, y - py);
        if (away < distance && insideFrame(x, y, size.peek())) [found, distance] = [row, away];
      }
      return found;
    };
    const indexOf = computed(() => new Map(points.value.map(({ row }, index) => [row, index])));
    const placeOf = (row: number): Corner | null => {
      const index = indexOf.value.get(row);
      return index === undefined ? null : place(index);
    };
    return { transform, points, scales, place, placeOf, nearest };
  }, [store, size]);

  const zoomer = useZoom(surface, size, chart.transform, tool);
  const paint = useCallback(
    (painter: Painter, size: Size) =>
      paintMarks(painter, size, chart.points.value, chart.place, store, PALETTES[scheme.value]),
    [chart, store, scheme],
  );

  const onKey = (event: KeyboardEvent): boolean => {
    if (event.key === "+" || event.key === "=") zoomer.by(1.5);
    else if (event.key === "-") zoomer.by(1 / 1.5);
    else if (event.key === "0") zoomer.reset();
    else return false;
    return true;
  };
  const narrow = (path: readonly Corner[]): void => {
    const region = tool.value === "lasso" ? path : boxOf(path[0] as Corner, path[path.length - 1] as Corner);
    outline.value = region;
    const rows = chart.points.value.filter((_, index) => insidePath(chart.place(index), region)).map(({ row }) => row);
    if (rows.length > 0) store.narrow({ by: "rows", from: "region", rows: new Set(rows) });
  };

  const points = chart.points.value;
  const missing = store.catalog.value.names.filter((_, row) => store.table.value.stage(row) > 0).length - points.length;
  const { names } = store.catalog.value;
  const measured = store.catalog.value.methods.includes("quantization");
  const { width, height } = size.value;

  return (
    <Panel
      name="risk-matrix"
      aside={<Legend />}
      controls={
        <fieldset class="wsw-buttons" title={say("page.zoomHint")}>
          {TOOLS.map((each) => (
            <button
              key={each}
              type="button"
              aria-label={named("page.tools", each)}
              title={named("page.tools", each)}
              aria-pressed={tool.value === each}
              onClick={() => {
                tool.value = each;
              }}
            >
              <Icon sign={each} />
            </button>
          ))}
          <button
            type="button"
            aria-label={say("page.zoomIn")}
            title={say("page.zoomIn")}
            onClick={() => zoomer.by(1.5)}
          >
            <Icon sign="in" />
          </button>
          <button
            type="button"
            aria-label={say("page.zoomOut")}
            title={say("page.zoomOut")}
            onClick={() => zoomer.by(1 / 1.5)}
          >
            <Icon sign="out" />
          </button>
          <button type="button" aria-label={say("page.resetZoom")} title={say("page.resetZoom")} onClick={zoomer.reset}>
            <Icon sign="reset" />
          </button>
        </fieldset>
      }
    >
      <div class="wsw-plot" ref={plot}>
        {width > 0 && <Frame scales={chart.scales.value} size={size.value} />}
        <Marks size={size} paint={paint} />
        {width > 0 && <Highlights chart={chart} size={size.value} />}
        {outline.value && (
          <svg class="wsw-layer wsw-inert" width={width} height={height} aria-hidden="true">
            <path class="wsw-brush" d={`${line()(outline.value as [number, number][])}Z`} />
          </svg>
        )}
        <Surface
          label={say("page.riskMatrixAbout", { count: names.length })}
          size={size.value}
          rowAt={chart.nearest}
          placeOf={chart.placeOf}
          onKey={onKey}
          drag={
            tool.value === "move"
              ? null
              : {
                  moved: narrow,
                  ended: (path) => {
                    narrow(path);
                    outline.value = null;
                  },
                }
          }
          onMiss={() => store.widen("region")}
          elementRef={(element) => {
            surface.current = element;
          }}
        />
        {width > 0 && <Handles scales={chart.scales.value} size={size.value} />}
        {points.length === 0 && <Empty>{measured ? say("page.waitingForPoints") : say("page.noQuantization")}</Empty>}
      </div>
      <p class="wsw-note">
        {say("page.ruleOfThumb")}
        {measured && missing > 0 && <> {say("page.notDrawn", { count: missing })}</>}
      </p>
    </Panel>
  );
}

/** Zoom by pinch, Ctrl + wheel and buttons; by dragging only with the tool that moves. */
function useZoom(
  surface: { current: HTMLElement | null },
  size: { value: Size },
  transform: Signal<ZoomTransform>,
  tool: Signal<Tool>,
) {
  const zoomer = useMemo(
    () =>
      zoom<HTMLElement, unknown>()
        .scaleExtent([1, 400])
        // A plain wheel scrolls the notebook.
        .filter((event: MouseEvent) =>
          event.type === "wheel"
            ? event.ctrlKey || event.metaKey
            : event.type !== "dblclick" && !event.button && (tool.peek() === "move" || event.type.startsWith("touch")),
        )
        .wheelDelta((event) => -event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.004))
        .clickDistance(4)
        .on("zoom", (event) => {
          transform.value = event.transform;
        }),
    [transform, tool],
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
  }, [zoomer, size, surface]);
  return {
    by: (factor: number): void => {
      if (surface.current) select(surface.current).call(zoomer.scaleBy, factor);
    },
    reset: (): void => {
      if (surface.current) select(surface.current).call(zoomer.transform, zoomIdentity);
    },
  };
}
