/** The layer map: blocks across, kinds downwards, a tile per layer, coloured by any metric. */

import { useComputed, useSignal } from "@preact/signals";
import { useCallback, useRef } from "preact/hooks";
import { colouring } from "../../charts/colour";
import { Marks } from "../../charts/Marks";
import { textWidth } from "../../charts/measure";
import type { Painter } from "../../charts/painter";
import { type Corner, Surface } from "../../charts/Surface";
import { type Size, useSize } from "../../charts/size";
import { CLASSES } from "../../domain/assessment";
import { classifiedMetric, formatMetric, metricsOf } from "../../domain/metrics";
import { useView } from "../../state/context";
import { message, say, titleOf } from "../../text/messages";
import { PALETTES } from "../../theme/palette";
import { ClassCounts } from "../../ui/ClassCounts";
import { Panel } from "../../ui/Panel";
import { Stage } from "../../wire/model";
import { arrange, place, type Tile } from "./arrange";

const GUTTER = 12;

export function LayerMap() {
  const { store, scheme } = useView();
  const scroller = useRef<HTMLDivElement>(null);
  const room = useSize(scroller);
  const metric = useComputed(() => {
    const wanted = store.view.value.mapMetric;
    const choices = metricsOf(store.table.value);
    return choices.includes(wanted) || choices.length === 0 ? wanted : (choices[0] as string);
  });
  const grids = useComputed(() => arrange(store.catalog.value, store.table.value));
  const scene = useComputed(() => {
    const labels = grids.value.flatMap(({ kinds }) => kinds);
    const gutter = labels.length ? GUTTER + Math.min(110, Math.max(...labels.map(textWidth))) : GUTTER;
    return place(grids.value, room.value.width, room.value.height, gutter);
  });
  const size = useComputed<Size>(() => ({
    width: room.value.width,
    height: Math.max(room.value.height, Math.ceil(scene.value.height)),
  }));
  const tileOf = useComputed(() => new Map(scene.value.tiles.map((tile) => [tile.row, tile])));
  const brushed = useSignal<[Corner, Corner] | null>(null);
  const colours = useComputed(() => {
    const values = store.column(metric.value);
    const { colour } = colouring(metric.value, values, store.thresholds.value, scheme.value);
    return Array.from(values, colour);
  });

  const paint = useCallback(
    (painter: Painter) => {
      const found = colours.value;
      const { muted, line } = PALETTES[scheme.value];
      const mask = store.mask.value;
      const table = store.table.value;
      for (const { row, x, y, width, height } of scene.value.tiles) {
        const colour = found[row];
        const alpha = mask[row] ? 1 : 0.15;
        if (colour) painter.rect(x, y, width, height, colour, alpha);
        else if (table.stage(row) === Stage.Failed) painter.rect(x, y, width, height, muted, alpha);
        else painter.rect(x, y, width, height, line, 0.6 * alpha);
      }
    },
    [store, scheme, colours, scene],
  );

  const rowAt = (px: number, py: number): number | null => {
    let found: Tile | null = null;
    for (const tile of scene.value.tiles) {
      // A tile's right and lower edges are its neighbour's: no gaps to fall into.
      if (px >= tile.x && px < tile.x + tile.width + 1 && py >= tile.y && py < tile.y + tile.height + 1) found = tile;
    }
    return found?.row ?? null;
  };
  const placeOf = (row: number): Corner | null => {
    const tile = tileOf.value.get(row);
    return tile ? [tile.x + tile.width / 2, tile.y + tile.height / 2] : null;
  };
  const within = ([[ax, ay], [bx, by]]: [Corner, Corner]): Set<number> => {
    const [left, right, top, bottom] = [Math.min(ax, bx), Math.max(ax, bx), Math.min(ay, by), Math.max(ay, by)];
    return new Set(
      scene.value.tiles
        .filter(({ x, y, width, height }) => x < right && x + width > left && y < bottom && y + height > top)
        .map(({ row }) => row),
    );
  };
  const narrow = (path: readonly Corner[]): void => {
    const ends: [Corner, Corner] = [path[0] as Corner, path[path.length - 1] as Corner];
    brushed.value = ends;
    const rows = within(ends);
    if (rows.size > 0) store.narrow({ by: "rows", from: "map", rows });
  };

  const { width, height } = size.value;
  return (
    <Panel
      name="layer-map"
      aside={<Legend metric={metric.value} />}
      controls={
        <select
          class="wsw-select"
          aria-label={say("page.colourBy")}
          title={say("page.colourBy")}
          value={metric.value}
          onChange={(event) => store.setView({ mapMetric: event.currentTarget.value })}
        >
          {metricsOf(store.table.value).map((choice) => (
            <option key={choice} value={choice} selected={choice === metric.value}>
              {titleOf(choice)}
            </option>
          ))}
        </select>
      }
    >
      <div class="wsw-map-scroller" ref={scroller}>
        <div class="wsw-plot" style={{ height: `${height}px` }}>
          {width > 0 && (
            <>
              <Marks size={size} paint={paint} />
              <svg class="wsw-layer wsw-inert" width={width} height={height} aria-hidden="true">
                {scene.value.grids.map((grid) => (
                  <g key={`${grid.stack}-${grid.loose}`} class="wsw-map-labels">
                    <text class="wsw-map-heading" x={2} y={grid.y - 6}>
                      {grid.loose
                        ? say("page.outsideBlocks")
                        : grid.stack
                          ? stackTitle(grid.stack)
                          : say("page.blocks")}
                    </text>
                    {grid.kinds.map((kind, down) => (
                      <text
                        key={kind}
                        x={grid.x - 6}
                        y={grid.y + (down + 0.5) * grid.cellHeight}
                        dy="0.32em"
                        text-anchor="end"
                      >
                        {kind}
                      </text>
                    ))}
                    {!grid.loose &&
                      shownBlocks(grid.blocks, grid.cellWidth).map(([block, across]) => (
                        <text
                          key={block}
                          x={grid.x + (across + 0.5) * grid.cellWidth}
                          y={grid.y + grid.kinds.length * grid.cellHeight + 12}
                          text-anchor="middle"
                        >
                          {block}
                        </text>
                      ))}
                  </g>
                ))}
                {brushed.value && <Brush ends={brushed.value} />}
                <Rings tileOf={tileOf.value} />
              </svg>
              <Surface
                label={say("page.layerMapAbout", {
                  count: store.catalog.value.names.length,
                  metric: titleOf(metric.value),
                })}
                size={size.value}
                rowAt={rowAt}
                placeOf={placeOf}
                metric={metric.value}
                drag={{
                  moved: narrow,
                  ended: (path) => {
                    narrow(path);
                    brushed.value = null;
                  },
                }}
                onMiss={() => store.widen("map")}
              />
            </>
          )}
        </div>
      </div>
    </Panel>
  );
}

/** The blocks whose numbers have room below their columns. */
function shownBlocks(blocks: number[], cellWidth: number): [number, number][] {
  const stride =
    [1, 2, 4, 5, 8, 10, 16, 20, 25, 32, 50, 100, 200, 500, 1000].find((step) => step * cellWidth >= 22) ?? 1;
  return blocks.flatMap((block, across) => (across % stride === 0 ? [[block, across] as [number, number]] : []));
}

function Rings({ tileOf }: { tileOf: Map<number, Tile> }) {
  const { store } = useView();
  const ring = (row: number | null, name: string) => {
    const tile = row === null ? undefined : tileOf.get(row);
    return (
      tile && (
        <rect
          key={`${name}-${row}`}
          class={name}
          x={tile.x - 1}
          y={tile.y - 1}
          width={tile.width + 2}
          height={tile.height + 2}
          rx={2}
        />
      )
    );
  };
  return (
    <>
      {store.compared.value.map((row) => ring(row, "wsw-ring-selected"))}
      {ring(store.hovered.value, "wsw-ring-hovered")}
    </>
  );
}

function Brush({ ends: [[ax, ay], [bx, by]] }: { ends: [Corner, Corner] }) {
  return (
    <rect
      class="wsw-brush"
      x={Math.min(ax, bx)}
      y={Math.min(ay, by)}
      width={Math.abs(bx - ax)}
      height={Math.abs(by - ay)}
    />
  );
}

function Legend({ metric }: { metric: string }) {
  const { store, scheme } = useView();
  const classified = classifiedMetric(metric);
  if (classified && CLASSES[classified]) return <ClassCounts metric={classified} />;
  const { ramp } = colouring(metric, store.column(metric), store.thresholds.value, scheme.value);
  if (!ramp) return null;
  return (
    <span class="wsw-ramp">
      {ramp.zero && (
        <>
          0 <i class="wsw-zero" style={{ background: ramp.zero }} />
        </>
      )}
      {formatMetric(metric, ramp.low)}
      <i style={{ background: `linear-gradient(90deg, ${ramp.colours.join(",")})` }} />
      {formatMetric(metric, ramp.high)}
    </span>
  );
}

const stackTitle = (name: string): string => {
  const found = message(`page.stacks.${name}`);
  return typeof found === "string" ? found : say("page.stack", { name });
};
