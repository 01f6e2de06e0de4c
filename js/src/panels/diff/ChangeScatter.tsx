/** How much each matrix changed against how much rank its change takes: a merged LoRA lies at the bottom. */

import { useComputed, useSignal } from "@preact/signals";
import { max, min } from "d3-array";
import { scaleLinear, scaleLog } from "d3-scale";
import { useCallback, useRef } from "preact/hooks";
import { Axes, type Margin } from "../../charts/Axes";
import { Marks } from "../../charts/Marks";
import type { Painter } from "../../charts/painter";
import { boxOf, insidePath } from "../../charts/region";
import { type Corner, Surface } from "../../charts/Surface";
import { type Size, useSize } from "../../charts/size";
import { logTicks } from "../../charts/ticks";
import { formatTick } from "../../domain/format";
import { useView } from "../../state/context";
import { say } from "../../text/messages";
import { PALETTES } from "../../theme/palette";
import { Empty, Panel } from "../../ui/Panel";

const MARGIN: Margin = { top: 20, right: 16, bottom: 38, left: 44 };
const DISC = "M3.5,0A3.5,3.5,0,1,1,-3.5,0A3.5,3.5,0,1,1,3.5,0Z";
const REACH = 12; // pixels

export function ChangeScatter() {
  const { store, scheme } = useView();
  const plot = useRef<HTMLDivElement>(null);
  const size = useSize(plot);
  const outline = useSignal<readonly Corner[] | null>(null);
  const scene = useComputed(() => {
    const table = store.table.value;
    const change = table.column("comparison.relative_change");
    const rank = table.column("comparison.delta_rank_99");
    const total = table.column("comparison.delta_total_rank");
    const rows = Array.from(change.keys()).filter(
      (row) => (change[row] as number) > 0 && Number.isFinite(change[row]) && (rank[row] as number) > 0,
    );
    // A matrix that changed and has no place: by a base of zeros, or with weights that are not finite.
    const drawn = new Set(rows);
    const missing = Array.from(total.keys()).filter(
      (row) => (total[row] as number) > 0 && change[row] !== 0 && !drawn.has(row),
    ).length;
    const { width, height } = size.value;
    const most = max(rows, (row) => change[row]) ?? 1;
    const least = min(rows, (row) => change[row]) ?? most / 10;
    const x = scaleLog([least / 1.6, most * 1.6], [MARGIN.left, width - MARGIN.right]);
    const y = scaleLinear([0, 100], [height - MARGIN.bottom, MARGIN.top]);
    const place = (row: number): Corner => [
      x(change[row] as number),
      y((100 * (rank[row] as number)) / (total[row] as number)),
    ];
    return { rows, missing, x, y, places: new Map(rows.map((row) => [row, place(row)])) };
  });
  const paint = useCallback(
    (painter: Painter, _: Size) => {
      const { rows, places } = scene.value;
      const { families } = store.catalog.value;
      const palette = PALETTES[scheme.value];
      const mask = store.mask.value;
      for (const kept of [0, 1])
        for (const row of rows) {
          if (mask[row] !== kept) continue;
          const [px, py] = places.get(row) as Corner;
          const colour = palette.families[families[row] ?? "other"];
          painter.path(DISC, px, py, colour, kept ? palette.ground : undefined, kept ? 0.9 : 0.12);
        }
    },
    [store, scheme, scene],
  );
  const rowAt = (px: number, py: number): number | null => {
    let [found, distance] = [null as number | null, REACH];
    for (const [row, [x, y]] of scene.value.places) {
      const away = Math.hypot(x - px, y - py);
      if (away < distance) [found, distance] = [row, away];
    }
    return found;
  };
  const narrow = (path: readonly Corner[]): void => {
    const region = boxOf(path[0] as Corner, path[path.length - 1] as Corner);
    outline.value = region;
    const rows = scene.value.rows.filter((row) => insidePath(scene.value.places.get(row) as Corner, region));
    if (rows.length > 0) store.narrow({ by: "rows", from: "region", rows: new Set(rows) });
  };
  const { width, height } = size.value;
  const { rows, missing, x, y, places } = scene.value;
  const xTicks = logTicks(x.domain() as [number, number], Math.max(2, Math.floor(width / 70)));
  const yTicks = y.ticks(5).map((value) => ({ value, label: formatTick(value) }));
  const empty = missing > 0 ? say("change.nothingDrawn") : say("change.nothingChanged");
  const ring = (row: number | null, name: string) => {
    const place = row === null ? undefined : places.get(row);
    return place && <circle class={name} cx={place[0]} cy={place[1]} r={8} />;
  };
  return (
    <Panel name="change-scatter" aside={say("change.scatterAside")}>
      <div class="wsw-plot" ref={plot}>
        {width > 0 && rows.length > 0 && (
          <svg class="wsw-layer" width={width} height={height} aria-hidden="true">
            <Axes
              x={{ ticks: xTicks, position: x, title: say("change.relativeChange") }}
              y={{ ticks: yTicks, position: y, title: say("change.rankShare") }}
              width={width}
              height={height}
              margin={MARGIN}
            />
          </svg>
        )}
        <Marks size={size} paint={paint} />
        {width > 0 && (
          <svg class="wsw-layer wsw-inert" width={width} height={height} aria-hidden="true">
            {outline.value && (
              <path class="wsw-brush" d={`M${outline.value.map((corner) => corner.join()).join("L")}Z`} />
            )}
            {ring(store.selected.value, "wsw-ring-selected")}
            {store.hovered.value !== store.selected.value && ring(store.hovered.value, "wsw-ring-hovered")}
          </svg>
        )}
        <Surface
          label={say("change.scatterAbout", { count: rows.length })}
          size={size.value}
          rowAt={rowAt}
          placeOf={(row) => places.get(row) ?? null}
          metric="comparison.relative_change"
          drag={{
            moved: narrow,
            ended: (path) => {
              narrow(path);
              outline.value = null;
            },
          }}
          onMiss={() => store.widen("region")}
        />
        {rows.length === 0 && (
          <Empty>{store.progress.value.state === "running" ? say("page.waitingForPoints") : empty}</Empty>
        )}
      </div>
      {missing > 0 && <p class="wsw-note">{say("page.withoutValue", { count: missing })}</p>}
    </Panel>
  );
}
