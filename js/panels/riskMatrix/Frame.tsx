/** The frame of the risk matrix: axes, the document's lines, the risk region, and the legend. */

import { symbol } from "d3-shape";
import { Axes } from "../../charts/Axes";
import type { Size } from "../../charts/size";
import { symlogPercentTicks } from "../../charts/ticks";
import { useView } from "../../context";
import { formatTick } from "../../format";
import { text } from "../../text";
import { FAMILIES, MARGIN, type Scales, SYMBOLS } from "./scene";

export function Frame({ scales: { x, y }, size: { width, height } }: { scales: Scales; size: Size }) {
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
          {text.highRisk(formatTick(risky))}
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
          {text.family[family]}
        </li>
      ))}
    </ul>
  );
}
