/** How much of its rank each layer uses: bars of stable over total rank, one against the other, and what could be saved. */

import { useComputed } from "@preact/signals";
import { max, min } from "d3-array";
import { scaleLog } from "d3-scale";
import { useCallback, useRef } from "preact/hooks";
import { Axes, type Margin } from "../../charts/Axes";
import { metricAxis } from "../../charts/axis";
import { BarList } from "../../charts/BarList";
import { colouring } from "../../charts/colour";
import { Donut } from "../../charts/Donut";
import { Marks } from "../../charts/Marks";
import type { Painter } from "../../charts/painter";
import { Surface } from "../../charts/Surface";
import { type Size, useSize } from "../../charts/size";
import { logTicks } from "../../charts/ticks";
import { CLASSES } from "../../domain/assessment";
import { useView } from "../../state/context";
import { toggled } from "../../state/filters";
import type { Store } from "../../state/store";
import { className, say } from "../../text/messages";
import { PALETTES } from "../../theme/palette";
import { classCounts } from "../../ui/ClassCounts";
import { Explain } from "../../ui/Explain";
import { Empty, Panel } from "../../ui/Panel";

const METRIC = "stable_rank_percentage";
const MARGIN: Margin = { top: 20, right: 12, bottom: 36, left: 38 };
const DISC = "M2.5,0A2.5,2.5,0,1,1,-2.5,0A2.5,2.5,0,1,1,2.5,0Z";
const REACH = 10; // pixels
const CROWD = 2000; // marks, beyond which they are squares

export function RankEfficiency() {
  const { store, scheme } = useView();
  const rows = useComputed(() => {
    const mask = store.mask.value;
    return store.ascending(METRIC).filter((row) => mask[row]);
  });
  const value = useCallback((row: number) => store.column(METRIC)[row] as number, [store]);
  const colour = useCallback((number: number) => colourOf(store, number, scheme.value), [store, scheme]);
  const baseline = useCallback((row: number) => store.column(`baseline.${METRIC}`)[row] as number, [store]);
  const asked = store.catalog.value.methods.includes("spectral");
  const counts = classCounts(store, METRIC);
  const filter = store.filters.value.get(`class:${METRIC}`);
  const parts = CLASSES[METRIC].map(({ name, level }, index) => ({
    key: name,
    label: className(METRIC, name),
    count: counts[index] as number,
    colour: PALETTES[scheme.value].levels[level],
    pressed: filter?.by === "field" && filter.values.includes(name),
    title: say("page.narrowTo", { name: className(METRIC, name) }),
    onClick: () => toggled(store, `class:${METRIC}`, name),
  }));
  return (
    <Panel name="rank-efficiency" aside={say("page.rankAside")}>
      {rows.value.length === 0 ? (
        <Empty>{asked ? say("page.nothingHere") : say("page.notComputed")}</Empty>
      ) : (
        <>
          <BarList
            metric={METRIC}
            classified={METRIC}
            rows={rows}
            value={value}
            colour={colour}
            baseline={baseline}
            axis={(range) => metricAxis(METRIC, [], range, store.thresholds.value)}
            title={say("page.rankAxis")}
            label={say("page.barsAbout", { title: say("page.panelTitles.rank-efficiency"), count: rows.value.length })}
          />
          <div class="wsw-rank-parts">
            <Ranks />
            <section aria-label={say("page.potential")}>
              <h4>
                <Explain name="stable_rank_percentage" title={say("page.potential")}>
                  {say("page.potential")}
                </Explain>
              </h4>
              <Donut parts={parts} label={say("page.potential")} unit={say("page.layerUnit")} />
            </section>
          </div>
        </>
      )}
    </Panel>
  );
}

const colourOf = (store: Store, number: number, scheme: keyof typeof PALETTES): string =>
  colouring(METRIC, store.column(METRIC), store.thresholds.value, scheme).colour(number) ?? PALETTES[scheme].muted;

/** Total rank across, stable rank upwards, and the line on which all of the rank is used. */
function Ranks() {
  const { store, scheme } = useView();
  const plot = useRef<HTMLDivElement>(null);
  const size = useSize(plot);
  const scene = useComputed(() => {
    const [total, stable] = [store.column("spectral.total_rank"), store.column("spectral.stable_rank")];
    const known = Array.from(total.keys()).filter((row) => (total[row] as number) > 0 && (stable[row] as number) > 0);
    const most = (max(known, (row) => total[row]) ?? 2) * 1.4;
    const least = Math.max(1, Math.min(most / 4, min(known, (row) => total[row]) ?? 1) / 1.4);
    const { width, height } = size.value;
    const x = scaleLog([least, most], [MARGIN.left, width - MARGIN.right]);
    const y = scaleLog([0.8, most], [height - MARGIN.bottom, MARGIN.top]);
    return { known, x, y, across: Float64Array.from(total, x), upwards: Float64Array.from(stable, y) };
  });
  const placeOf = (row: number): [number, number] => {
    const { across, upwards } = scene.value;
    return [across[row] as number, upwards[row] as number];
  };
  const paint = useCallback(
    (painter: Painter, _: Size) => {
      const { known, across, upwards } = scene.value;
      const classes = store.classes(METRIC);
      const mask = store.mask.value;
      const colours = CLASSES[METRIC].map(({ level }) => PALETTES[scheme.value].levels[level]);
      for (const row of known) {
        const [x, y] = [across[row] as number, upwards[row] as number];
        const colour = colours[classes[row] as number] ?? PALETTES[scheme.value].muted;
        if (known.length > CROWD)
          painter.rect(Math.round(x) - 2, Math.round(y) - 2, 4, 4, colour, mask[row] ? 0.7 : 0.06);
        else painter.path(DISC, x, y, colour, undefined, mask[row] ? 0.85 : 0.12);
      }
    },
    [store, scheme, scene],
  );
  const { x, y, known } = scene.value;
  const { width, height } = size.value;
  const ticksOf = (scale: typeof x, pixels: number) =>
    logTicks(scale.domain() as [number, number], Math.max(2, Math.floor(pixels / 45)));
  const rowAt = (px: number, py: number): number | null => {
    let [nearest, distance] = [null as number | null, REACH];
    const { across, upwards } = scene.value;
    for (const row of known) {
      const away = Math.hypot((across[row] as number) - px, (upwards[row] as number) - py);
      if (away < distance) [nearest, distance] = [row, away];
    }
    return nearest;
  };
  const [low] = x.domain() as [number, number];
  const [, high] = y.domain() as [number, number];
  return (
    <div class="wsw-plot wsw-ranks" ref={plot}>
      {width > 0 && (
        <>
          <svg class="wsw-layer" width={width} height={height} aria-hidden="true">
            <Axes
              x={{ ticks: ticksOf(x, width), position: x, title: say("page.totalRank") }}
              y={{ ticks: ticksOf(y, height), position: y, title: say("page.stableRank") }}
              width={width}
              height={height}
              margin={MARGIN}
            />
            <line class="wsw-diagonal" x1={x(low)} y1={y(low)} x2={x(high)} y2={y(high)}>
              <title>{say("page.fullRank")}</title>
            </line>
          </svg>
          <Marks size={size} paint={paint} />
          <svg class="wsw-layer wsw-inert" width={width} height={height} aria-hidden="true">
            <Rings placeOf={(row) => (known.includes(row) ? placeOf(row) : null)} />
          </svg>
          <Surface
            label={say("page.ranksAbout", { count: known.length })}
            size={size.value}
            rowAt={rowAt}
            placeOf={(row) => (known.includes(row) ? placeOf(row) : null)}
            metric="spectral.stable_rank"
          />
        </>
      )}
    </div>
  );
}

/** Around the layers that are compared or under the pointer. */
function Rings({ placeOf }: { placeOf(row: number): [number, number] | null }) {
  const { store } = useView();
  const rows = new Set([...store.compared.value, store.hovered.value]);
  return (
    <>
      {[...rows].map((row) => {
        const place = row === null ? null : placeOf(row);
        return place && <circle key={row} class="wsw-ring-hovered" cx={place[0]} cy={place[1]} r={6} />;
      })}
    </>
  );
}
