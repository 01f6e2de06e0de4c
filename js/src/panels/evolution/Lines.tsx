/** A metric of every layer, or of every family, over the checkpoints; a click chooses a layer, a drag a checkpoint. */

import { useComputed, useSignal } from "@preact/signals";
import { useCallback, useRef } from "preact/hooks";
import { Axes, type Margin } from "../../charts/Axes";
import { unitOf } from "../../charts/axis";
import { Marks } from "../../charts/Marks";
import { shortened, textWidth } from "../../charts/measure";
import type { Painter } from "../../charts/painter";
import { type Corner, Surface } from "../../charts/Surface";
import { type Size, useSize } from "../../charts/size";
import type { Tick } from "../../charts/ticks";
import { axisKind, formatMetric, metricsOf } from "../../domain/metrics";
import { useView } from "../../state/context";
import { named, say, titleOf } from "../../text/messages";
import { PALETTES } from "../../theme/palette";
import { Empty, Panel } from "../../ui/Panel";
import type { Family } from "../../wire/model";
import { across, axisOf, distanceTo, pathOf, pointsOf, spreadsOf } from "./trace";

const MARGIN = { top: 20, bottom: 38, left: 52 };
const EDGE = 8; // pixels right of the last checkpoint's name
const REACH = 14; // pixels
const NAME = 90; // pixels that a checkpoint's name may take

export function Lines() {
  const { store } = useView();
  const { linesMetric, linesBy } = store.view.value;
  const choices = metricsOf(store.table.value);
  const metric = choices.includes(linesMetric) || choices.length === 0 ? linesMetric : (choices[0] as string);
  return (
    <Panel
      name="lines"
      aside={<Legend />}
      controls={
        <>
          <fieldset class="wsw-buttons wsw-words" aria-label={say("change.linesBy")}>
            {(["layer", "family"] as const).map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={linesBy === each}
                onClick={() => store.setView({ linesBy: each })}
              >
                {named("change.by", each)}
              </button>
            ))}
          </fieldset>
          <select
            class="wsw-select"
            aria-label={say("change.metric")}
            title={say("change.metric")}
            value={metric}
            onChange={(event) => store.setView({ linesMetric: event.currentTarget.value })}
          >
            {choices.map((choice) => (
              <option key={choice} value={choice} selected={choice === metric}>
                {titleOf(choice)}
              </option>
            ))}
          </select>
        </>
      }
    >
      {/* Another metric is another chart: nothing of the one before stays pointed at. */}
      <Chart key={metric} metric={metric} />
    </Panel>
  );
}

function Chart({ metric }: { metric: string }) {
  const { store, scheme } = useView();
  const plot = useRef<HTMLDivElement>(null);
  const size = useSize(plot);
  const pointed = useSignal<Corner | null>(null);
  const scene = useComputed(() => {
    const { width, height } = size.value;
    const end = textWidth(shortened(store.checkpoints.value.at(-1) ?? "", NAME)) / 2 + EDGE;
    const margin: Margin = { ...MARGIN, right: end };
    const room = { left: MARGIN.left, right: width - end, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const history = store.history(metric);
    const known = (row: number): boolean => history.some((column) => !Number.isNaN(column[row]));
    const rows = store.catalog.value.names.map((_, row) => row).filter(known);
    // The axis is that of the layers that the filters leave, so that one which diverged can be left out.
    const mask = store.mask.value;
    const kept = rows.filter((row) => mask[row]);
    const axis = axisOf(metric, history, kept.length ? kept : rows, room, store.thresholds.value);
    const x = across(history.length, room);
    const points = new Map(rows.map((row) => [row, pointsOf(history, row, x, axis)]));
    return { margin, room, history, rows, kept, axis, x, points };
  });
  const spreads = useComputed(() => {
    const { history, kept } = scene.value;
    return store.view.value.linesBy === "family" ? spreadsOf(history, kept, store.catalog.value.families) : [];
  });
  const paint = useCallback(
    (painter: Painter, _: Size) => {
      const { room, x, axis, rows, points } = scene.value;
      const palette = PALETTES[scheme.value];
      const { families } = store.catalog.value;
      const mask = store.mask.value;
      painter.clip(0, room.top - 2, size.peek().width, room.bottom - room.top + 4, () => {
        if (store.view.value.linesBy === "family") {
          for (const { family, at } of spreads.value) {
            const side = (which: 0 | 1 | 2): (Corner | null)[] =>
              at.map((spread, step) => {
                const value = spread?.[which] ?? Number.NaN;
                return Number.isNaN(value) ? null : [x[step] as number, axis.place(value)];
              });
            const [low, middle, high] = [side(0), side(1), side(2)];
            const band = bandOf(low, high);
            if (band) painter.path(band, 0, 0, palette.families[family], undefined, 0.16);
            // Two strokes make a line that stands out from its band.
            painter.path(pathOf(middle), 0, 0, "none", palette.families[family]);
            painter.path(pathOf(middle), 0, 0.75, "none", palette.families[family]);
          }
          return;
        }
        const crowded = rows.length > 60 ? 0.35 : 0.75;
        for (const kept of [0, 1])
          for (const row of rows) {
            if (mask[row] !== kept) continue;
            const colour = palette.families[(families[row] ?? "other") as Family];
            painter.path(pathOf(points.get(row) ?? []), 0, 0, "none", colour, kept ? crowded : 0.06);
          }
      });
    },
    [store, scheme, scene, spreads, size],
  );
  const rowAt = (px: number, py: number): number | null => {
    pointed.value = [px, py];
    if (store.view.value.linesBy === "family") return null;
    const mask = store.mask.peek();
    let [found, distance] = [null as number | null, REACH];
    for (const [row, points] of scene.value.points) {
      if (!mask[row]) continue;
      const away = distanceTo(points, [px, py]);
      if (away < distance) [found, distance] = [row, away];
    }
    return found;
  };
  const stepAt = (px: number): number => {
    const { x } = scene.value;
    const gap = x.length > 1 ? (x[1] as number) - (x[0] as number) : 1;
    return Math.max(0, Math.min(x.length - 1, Math.round((px - (x[0] as number)) / gap)));
  };
  const scrub = (path: readonly Corner[]): void => store.moveTo(stepAt((path[path.length - 1] as Corner)[0]));
  const { width, height } = size.value;
  const { margin, room, rows, axis, x, points, history } = scene.value;
  const step = store.step.value;
  const hovered = store.hovered.value;
  const still = rows.filter((row) => (points.get(row) ?? []).every((point) => point === null)).length;
  const at = pointed.value === null ? null : stepAt(pointed.value[0]);
  const title = titleOf(metric) + unitOf(metric);
  return (
    <>
      <div class="wsw-plot" ref={plot}>
        {width > 0 && rows.length > 0 && (
          <svg class="wsw-layer" width={width} height={height} aria-hidden="true">
            <Axes
              x={{
                ticks: namedTicks(store.checkpoints.value, room.right - room.left),
                position: (place) => x[place] as number,
                title: say("change.checkpoint"),
              }}
              y={{
                ticks: axis.ticks,
                position: axis.scale,
                title: axisKind(metric) === "log" ? say("change.log", { title }) : title,
              }}
              width={width}
              height={height}
              margin={margin}
            />
            <line class="wsw-now" x1={x[step]} x2={x[step]} y1={room.top} y2={room.bottom} />
          </svg>
        )}
        <Marks size={size} paint={paint} />
        {width > 0 && (
          <svg class="wsw-layer wsw-inert" width={width} height={height} aria-hidden="true">
            {[...new Set([...store.compared.value, ...(hovered === null ? [] : [hovered])])].map((row) => (
              <Strong key={row} points={points.get(row) ?? []} row={row} step={step} />
            ))}
          </svg>
        )}
        <Surface
          label={say("change.linesAbout", { count: rows.length, checkpoints: history.length, metric: titleOf(metric) })}
          size={size.value}
          rowAt={rowAt}
          placeOf={() => null}
          drag={{ moved: scrub, ended: scrub }}
          onMiss={([px]) => store.moveTo(stepAt(px))}
          onLeave={() => {
            pointed.value = null;
          }}
        />
        {pointed.value && at !== null && hovered !== null && (
          <Tip row={hovered} place={pointed.value} size={size.value}>
            {store.checkpoints.value[at]}: {formatMetric(metric, history[at]?.[hovered] ?? Number.NaN)}
          </Tip>
        )}
        {rows.length === 0 && (
          <Empty>
            {store.progress.value.state === "running" ? say("page.waitingForPoints") : say("page.nothingHere")}
          </Empty>
        )}
      </div>
      {still > 0 && <p class="wsw-note">{say("page.withoutValue", { count: still })}</p>}
    </>
  );
}

/** A line that is chosen or pointed at, with its value at the checkpoint that is drawn. */
function Strong({ points, row, step }: { points: readonly (Corner | null)[]; row: number; step: number }) {
  const { store } = useView();
  const now = points[step];
  const colour = `var(--wsw-${store.catalog.value.families[row] ?? "other"})`;
  return (
    <g class={store.compared.value.includes(row) ? "wsw-line-selected" : "wsw-line-hovered"} data-row={row}>
      <path d={pathOf(points)} class="wsw-halo" />
      <path d={pathOf(points)} style={{ stroke: colour }} />
      {now && <circle cx={now[0]} cy={now[1]} r={4} style={{ fill: colour }} />}
    </g>
  );
}

interface TipProps {
  row: number;
  place: Corner;
  size: Size;
  children: preact.ComponentChildren;
}

function Tip({ row, place: [x, y], size, children }: TipProps) {
  const { store } = useView();
  const horizontal = x < size.width / 2 ? { left: `${x + 14}px` } : { right: `${size.width - x + 14}px` };
  const vertical = y < size.height / 2 ? { top: `${y + 6}px` } : { bottom: `${size.height - y + 6}px` };
  return (
    <div class="wsw-tooltip" style={{ ...horizontal, ...vertical }} aria-hidden="true">
      <strong>{store.catalog.value.labels[row]}</strong>
      <div>{children}</div>
    </div>
  );
}

function Legend() {
  const { store } = useView();
  const present = new Set(store.catalog.value.families);
  return (
    <span class="wsw-series-legend">
      {(["attention", "mlp", "embedding", "other"] as const)
        .filter((family) => present.has(family))
        .map((family) => (
          <span key={family}>
            <i style={{ background: `var(--wsw-${family})` }} /> {named("page.family", family)}
          </span>
        ))}
      {store.view.value.linesBy === "family" && <span>{say("change.median")}</span>}
    </span>
  );
}

/** The area between two lines over the checkpoints where both exist; of several pieces the whole path. */
function bandOf(low: readonly (Corner | null)[], high: readonly (Corner | null)[]): string {
  let path = "";
  let piece: number[] = [];
  const close = (): void => {
    if (piece.length > 1) {
      const corner = (points: readonly (Corner | null)[], at: number): string => (points[at] as Corner).join();
      const forth = piece.map((at) => corner(low, at));
      const back = [...piece].reverse().map((at) => corner(high, at));
      path += `M${[...forth, ...back].join("L")}Z`;
    }
    piece = [];
  };
  low.forEach((point, at) => {
    if (point && high[at]) piece.push(at);
    else close();
  });
  close();
  return path;
}

/** As many names of checkpoints as there is room for, the last one always. */
export function namedTicks(names: readonly string[], room: number): Tick[] {
  const labels = names.map((name) => shortened(name, NAME));
  const widest = Math.max(...labels.map(textWidth)) + 16;
  const stride = Math.max(1, Math.ceil((widest * (names.length - 1)) / Math.max(room, 1)));
  return labels.flatMap((label, value) => ((names.length - 1 - value) % stride === 0 ? [{ value, label }] : []));
}
