/** What lies over the marks of the risk matrix: names of notable layers, and the rings of selection and hover. */

import { useComputed } from "@preact/signals";
import { type Labelled, leader, placeLabels } from "../../charts/labels";
import { textWidth } from "../../charts/measure";
import type { Size } from "../../charts/size";
import { useView } from "../../state/context";
import { type Chart, insideFrame, MARGIN } from "./scene";

const RISKIEST = 4; // labelled by the risk score, which also knows the condition number
const SOME_RISK = 1; // a third of a per cent of extreme outliers
const LOWEST = 3; // labelled because they lie lowest here
const LABEL_HEIGHT = 15;
const DISTANCE = 9; // from a mark to its label

export function Highlights({ chart, size }: { chart: Chart; size: Size }) {
  return (
    <svg class="wsw-layer wsw-inert" width={size.width} height={size.height} aria-hidden="true">
      <Names chart={chart} size={size} />
      <Rings chart={chart} size={size} />
    </svg>
  );
}

function Names({ chart, size }: { chart: Chart; size: Size }) {
  const { store } = useView();
  const { labels } = store.catalog.value;
  const { value: selected } = store.selected;
  const compared = store.compared.value;
  const scene = useComputed(() => {
    const mask = store.mask.value;
    const drawn = chart.points.value
      .map(({ row }, index) => ({ row, place: chart.place(index) }))
      .filter(({ row, place: [x, y] }) => mask[row] && insideFrame(x, y, size));
    const sqnr = store.column("sqnr_db");
    const risk = store.column("risk");
    return {
      drawn,
      at: new Map(drawn.map(({ row, place }) => [row, place])),
      labelled: notable(
        drawn.map(({ row }) => row),
        (row) => risk[row] as number,
        (row) => sqnr[row] as number,
        store.thresholds.value.sqnr_db[1],
      ),
    };
  });
  const { drawn, at, labelled } = scene.value;
  const named = [...new Set([...compared.filter((row) => at.has(row)), ...labelled])];
  const frame = {
    x: MARGIN.left,
    y: MARGIN.top,
    width: size.width - MARGIN.left - 4,
    height: size.height - MARGIN.top - MARGIN.bottom,
  };
  const points = named.map((row): Labelled => {
    const [x, y] = at.get(row) as [number, number];
    return { x, y, width: textWidth(labels[row] ?? "") + 6 };
  });
  const boxes = placeLabels(
    points,
    // A crowd cannot be avoided, and the search would be felt.
    drawn.length > 1000 ? [] : drawn.map(({ place: [x, y] }) => ({ x, y })),
    frame,
    LABEL_HEIGHT,
    DISTANCE,
  );
  return (
    <>
      {boxes.map((box, index) => {
        const line = box && leader(points[index] as Labelled, box, DISTANCE);
        return line && <line class="wsw-leader" x1={line[0].x} y1={line[0].y} x2={line[1].x} y2={line[1].y} />;
      })}
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
    </>
  );
}

function Rings({ chart, size }: { chart: Chart; size: Size }) {
  const { store } = useView();
  const ring = (row: number | null, name: string) => {
    const place = row === null ? null : chart.placeOf(row);
    if (!place) return null;
    const [cx, cy] = place;
    return insideFrame(cx, cy, size) && <circle key={`${name}-${row}`} class={name} cx={cx} cy={cy} r={8} />;
  };
  const { value: hovered } = store.hovered;
  const { value: selected } = store.selected;
  return (
    <>
      {store.compared.value.map((row) => ring(row, row === selected ? "wsw-ring-selected" : "wsw-ring-compared"))}
      {hovered !== selected && ring(hovered, "wsw-ring-hovered")}
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
