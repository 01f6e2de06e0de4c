/** The scene of the risk matrix: which layers have a place, the scales, and the marks on the canvas. */

import { max, min } from "d3-array";
import { type ScaleContinuousNumeric, scaleLinear, scaleSymlog } from "d3-scale";
import { symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from "d3-shape";
import type { Margin } from "../../charts/Axes";
import type { Size } from "../../charts/size";
import type { Family } from "../../model";
import type { PALETTES } from "../../palette";
import type { Store } from "../../store";

export const MARGIN: Margin = { top: 22, right: 16, bottom: 38, left: 40 };
export const FAMILIES: Family[] = ["attention", "mlp", "embedding", "other"];
export const SYMBOLS = {
  attention: symbolCircle,
  mlp: symbolSquare,
  embedding: symbolDiamond,
  other: symbolTriangle,
};

export interface Point {
  row: number;
  outliers: number;
  sqnr: number;
}

export interface Scales {
  x: ScaleContinuousNumeric<number, number>;
  y: ScaleContinuousNumeric<number, number>;
}

/** The layers that have a place; a tensor that INT8 stores exactly (SQNR ∞) is drawn at the top of the plot. */
export function pointsOf(store: Store): Point[] {
  const { value: table } = store.table;
  return store.catalog.value.names
    .map((_, row) => ({
      row,
      outliers: table.value("quantization.extreme_outlier_percentage", row),
      sqnr: table.value("quantization.sqnr_db", row),
    }))
    .filter(({ outliers, sqnr }) => !Number.isNaN(outliers) && !Number.isNaN(sqnr));
}

/** Both scales without zoom: all points, both document lines, and the start of the risk region are in view. */
export function scalesOf(points: Point[], size: Size): Scales {
  const finite = points.map(({ sqnr }) => sqnr).filter(Number.isFinite);
  const widest = Math.max(1.6, 1.35 * (max(points, ({ outliers }) => outliers) ?? 0));
  return {
    x: scaleSymlog()
      .constant(0.01)
      .domain([0, Math.min(widest, 110)])
      .range([MARGIN.left + 8, size.width - MARGIN.right]),
    y: scaleLinear()
      .domain([Math.min(28.5, (min(finite) ?? 30) - 1), Math.max(41, (max(finite) ?? 40) + 1)])
      .range([size.height - MARGIN.bottom, MARGIN.top]),
  };
}

/** Where the layers are drawn under the present zoom. */
export interface Chart {
  points: { value: Point[] };
  place(point: Point): [number, number];
}

export function insideFrame(x: number, y: number, { width, height }: Size): boolean {
  return x >= MARGIN.left && x <= width - MARGIN.right && y >= MARGIN.top && y <= height - MARGIN.bottom;
}

export function drawMarks(
  context: CanvasRenderingContext2D,
  size: Size,
  points: Point[],
  place: Chart["place"],
  store: Store,
  palette: (typeof PALETTES)["light"],
): void {
  const { families } = store.catalog.value;
  const matching = new Set(store.matching.value);
  const radius = points.length > 2000 ? 2.5 : points.length > 300 ? 3.5 : 4.5;
  context.save();
  context.beginPath();
  context.rect(
    MARGIN.left - 6,
    MARGIN.top - 6,
    size.width - MARGIN.left - MARGIN.right + 12,
    size.height - MARGIN.top - MARGIN.bottom + 12,
  );
  context.clip();
  context.strokeStyle = palette.ground;
  context.lineWidth = 1;
  for (const family of [...FAMILIES].reverse()) {
    const shape = new Path2D(symbol(SYMBOLS[family], Math.PI * radius ** 2)() ?? "");
    context.fillStyle = palette.families[family];
    for (const point of points) {
      if (families[point.row] !== family) continue;
      const [x, y] = place(point);
      context.globalAlpha = matching.has(point.row) ? 0.9 : 0.12;
      context.translate(x, y);
      context.fill(shape);
      context.stroke(shape);
      context.translate(-x, -y);
    }
  }
  context.restore();
}
