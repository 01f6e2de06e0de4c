/** The frame of the risk matrix: axes, the document's lines, the risk region, and the legend. */

import { symbol } from "d3-shape";
import { Axes } from "../../charts/Axes";
import type { Size } from "../../charts/size";
import { ThresholdLine } from "../../charts/ThresholdLine";
import { symlogPercentTicks } from "../../charts/ticks";
import { formatTick } from "../../domain/format";
import { gaussianSqnr } from "../../domain/schemes";
import { useView } from "../../state/context";
import { named, say } from "../../text/messages";
import { FAMILIES, MARGIN, type Scales, SYMBOLS } from "./scene";

export function Frame({ scales: { x, y }, size: { width, height } }: { scales: Scales; size: Size }) {
  const { store } = useView();
  const { thresholds } = store;
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
  const [, risky] = thresholds.value.sqnr_db;
  const riskTop = Math.max(top, Math.min(bottom, y(risky)));
  const xDomain = x.domain() as [number, number];
  const xTicks = symlogPercentTicks([Math.max(0, xDomain[0]), xDomain[1]], x, 34).filter(
    ({ value }) => x(value) >= left - 1,
  );
  const yTicks = y.ticks(Math.max(3, Math.round(height / 55))).map((value) => ({ value, label: formatTick(value) }));
  return (
    <svg class="wsw-layer" width={width} height={height} aria-hidden="true">
      <rect class="wsw-risk-region" x={left} width={right - left} y={riskTop} height={bottom - riskTop} />
      <Axes
        x={{ ticks: xTicks, position: x, title: say("page.extremeOutliers") }}
        y={{
          ticks: yTicks,
          position: y,
          title: say("page.sqnr", { scheme: named("page.schemes", store.scheme.value) ?? "" }),
        }}
        width={width}
        height={height}
        margin={MARGIN}
      />
      {bottom - riskTop > 16 && (
        <text class="wsw-region-label" x={left + 8} y={riskTop + 14}>
          {say("page.highRisk", { level: formatTick(risky) })}
        </text>
      )}
      {store.view.value.random && <Random y={y} left={left} right={right} />}
    </svg>
  );
}

/** Where Gaussian weights would lie: a band for the layers' shapes, or a line where the scheme does not ask for them. */
function Random({ y, left, right }: { y: Scales["y"]; left: number; right: number }) {
  const { store } = useView();
  const known = gaussianSqnr(store.scheme.value);
  const values = known === null ? Array.from(store.column("baseline.sqnr_db")).filter(Number.isFinite) : [known];
  if (values.length === 0) return null;
  const [low, high] = y.range() as [number, number];
  const clamp = (at: number): number => Math.max(high, Math.min(low, at));
  const [above, below] = [clamp(y(Math.max(...values))), clamp(y(Math.min(...values)))];
  return (
    <g class="wsw-random-band">
      <rect x={left} width={right - left} y={above} height={Math.max(1.5, below - above)}>
        <title>{say("page.randomHint")}</title>
      </rect>
      <text x={left + 8} y={above - 3}>
        {say("page.random")}
      </text>
    </g>
  );
}

/** The lines of both axes' classes, to be dragged. */
export function Handles({ scales: { x, y }, size: { width, height } }: { scales: Scales; size: Size }) {
  const { store } = useView();
  const { thresholds } = store;
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
  return (
    <svg class="wsw-layer wsw-handles" width={width} height={height} aria-label={say("page.thresholds")}>
      {thresholds.value.sqnr_db.map((_, index) => (
        <ThresholdLine
          key={`y${index}`}
          metric="sqnr_db"
          index={index}
          axis="y"
          scale={y}
          from={left}
          to={right}
          ends={[top, bottom]}
          labelled={index === 0}
        />
      ))}
      {thresholds.value.extreme_outlier_percentage.map((_, index) => (
        <ThresholdLine
          key={`x${index}`}
          metric="extreme_outlier_percentage"
          index={index}
          axis="x"
          scale={x}
          from={top}
          to={bottom}
          ends={[left, right]}
          labelled={index === 1}
        />
      ))}
    </svg>
  );
}

export function Legend() {
  const { store } = useView();
  const present = new Set(store.catalog.value.families);
  return (
    <ul class="wsw-legend">
      {FAMILIES.filter((family) => present.has(family)).map((family) => (
        <li key={family}>
          <svg width="10" height="10" viewBox="-6 -6 12 12" aria-hidden="true">
            <path d={symbol(SYMBOLS[family], 58)() ?? ""} fill={`var(--wsw-${family})`} />
          </svg>
          {named("page.family", family)}
        </li>
      ))}
    </ul>
  );
}
