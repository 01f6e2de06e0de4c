/** What lies over the marks of the risk matrix: names of notable layers, the rings of selection and hover, the tooltip. */

import { type Labelled, leader, placeLabels } from "../../charts/labels";
import type { Size } from "../../charts/size";
import { useView } from "../../context";
import { formatDecibel, formatNumber, formatPercentage } from "../../format";
import { factsOf, text } from "../../text";
import { type Chart, insideFrame, MARGIN } from "./scene";

const RISKIEST = 4; // labelled by the risk score, which also knows the condition number
const SOME_RISK = 1; // a third of a per cent of extreme outliers
const LOWEST = 3; // labelled because they lie lowest here
const LABEL_HEIGHT = 15;
const DISTANCE = 9; // from a mark to its label
const measure = document.createElement("canvas").getContext("2d");
const labelWidth = (label: string): number => {
  if (!measure) return label.length * 6;
  measure.font = "11px system-ui, sans-serif";
  return measure.measureText(label).width + 6;
};

export function Highlights({ chart, size, pointing }: { chart: Chart; size: Size; pointing: boolean }) {
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
  const points = named.map((row): Labelled => {
    const [x, y] = at.get(row) as [number, number];
    return { x, y, width: labelWidth(labels[row] ?? "") };
  });
  const boxes = placeLabels(
    points,
    // A crowd cannot be avoided, and the search would be felt.
    drawn.length > 1000 ? [] : drawn.map(({ place: [x, y] }) => ({ x, y })),
    frame,
    LABEL_HEIGHT,
    DISTANCE,
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
