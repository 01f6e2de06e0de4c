/** Axes in SVG: tick labels, light grid lines, and a title. */

import type { Tick } from "./ticks";

export interface Margin {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

interface Axis {
  ticks: Tick[];
  position(value: number): number;
  title: string;
}

interface Props {
  x: Axis;
  y: Axis;
  width: number;
  height: number;
  margin: Margin;
}

/** Both axes of a plot whose outer size is width × height; the tick positions are those of the scales' ranges. */
export function Axes({ x, y, width, height, margin }: Props) {
  const bottom = height - margin.bottom;
  const right = width - margin.right;
  return (
    <g class="wsw-axes">
      {y.ticks.map(({ value, label }) => (
        <g key={value} transform={`translate(0,${y.position(value)})`}>
          <line x1={margin.left} x2={right} class="wsw-grid" />
          <text x={margin.left - 6} dy="0.32em" text-anchor="end">
            {label}
          </text>
        </g>
      ))}
      {x.ticks.map(({ value, label }) => (
        <g key={value} transform={`translate(${x.position(value)},${bottom})`}>
          <line y2={4} class="wsw-tick" />
          <text y={16} text-anchor="middle">
            {label}
          </text>
        </g>
      ))}
      <line x1={margin.left} x2={right} y1={bottom} y2={bottom} class="wsw-axis" />
      <text class="wsw-axis-title" x={right} y={height - 4} text-anchor="end">
        {x.title}
      </text>
      <text class="wsw-axis-title" x={2} y={11}>
        {y.title}
      </text>
    </g>
  );
}
