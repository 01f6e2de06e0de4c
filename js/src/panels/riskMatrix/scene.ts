/** The scene of the risk matrix: which layers have a place, the scales, and the marks on the canvas. */

import { max, min } from "d3-array";
import { type ScaleContinuousNumeric, scaleLinear, scaleSymlog } from "d3-scale";
import { symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from "d3-shape";
import type { Margin } from "../../charts/Axes";
import type { Painter } from "../../charts/painter";
import type { Corner } from "../../charts/Surface";
import type { Size } from "../../charts/size";
import type { Store } from "../../state/store";
import type { PALETTES } from "../../theme/palette";
import type { Family } from "../../wire/model";

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

/** The layers that have a place; a tensor that is stored exactly (SQNR ∞) is drawn at the top of the plot. */
export function pointsOf(store: Store): Point[] {
  const outliers = store.column("extreme_outlier_percentage");
  const sqnr = store.column("sqnr_db");
  const points: Point[] = [];
  for (let row = 0; row < outliers.length; row++) {
    const point = { row, outliers: outliers[row] as number, sqnr: sqnr[row] as number };
    if (!Number.isNaN(point.outliers) && !Number.isNaN(point.sqnr)) points.push(point);
  }
  return points;
}

/** Both scales without zoom: all points, both document lines, and the start of the risk region are in view. */
export function scalesOf(points: Point[], size: Size, safe = 40, risky = 30): Scales {
  const finite = points.map(({ sqnr }) => sqnr).filter(Number.isFinite);
  const widest = Math.max(1.6, 1.35 * (max(points, ({ outliers }) => outliers) ?? 0));
  return {
    x: scaleSymlog()
      .constant(0.01)
      .domain([0, Math.min(widest, 110)])
      .range([MARGIN.left + 8, size.width - MARGIN.right]),
    y: scaleLinear()
      .domain([Math.min(risky - 1.5, (min(finite) ?? risky) - 1), Math.max(safe + 1, (max(finite) ?? safe) + 1)])
      .range([size.height - MARGIN.bottom, MARGIN.top]),
  };
}

/** Where the layers are drawn under the present zoom. */
export interface Chart {
  points: { value: Point[] };
  /** Where the point of an index is. */
  place(index: number): Corner;
  /** Where a layer is; null where it has no place. */
  placeOf(row: number): Corner | null;
}

export function insideFrame(x: number, y: number, { width, height }: Size): boolean {
  return x >= MARGIN.left && x <= width - MARGIN.right && y >= MARGIN.top && y <= height - MARGIN.bottom;
}

export function paintMarks(
  painter: Painter,
  size: Size,
  points: Point[],
  place: Chart["place"],
  store: Store,
  palette: (typeof PALETTES)["light"],
): void {
  const { families } = store.catalog.value;
  const mask = store.mask.value;
  const radius = points.length > 2000 ? 2.5 : points.length > 300 ? 3.5 : 4.5;
  const [left, top] = [MARGIN.left - 6, MARGIN.top - 6];
  const [width, height] = [size.width - MARGIN.left - MARGIN.right + 12, size.height - MARGIN.top - MARGIN.bottom + 12];
  const crowd = points.length > 2000;
  painter.clip(left, top, width, height, () => {
    // Those that the filters take away first, so that they hide none of the others.
    for (const kept of [0, 1])
      for (const family of [...FAMILIES].reverse()) {
        const shape = symbol(SYMBOLS[family], Math.PI * radius ** 2)() ?? "";
        const colour = palette.families[family];
        for (const [index, { row }] of points.entries()) {
          if (families[row] !== family || mask[row] !== kept) continue;
          const [x, y] = place(index);
          if (x < left || x > left + width || y < top || y > top + height) continue;
          // In a crowd shapes and outlines are a haze that takes long to draw: squares on whole pixels do.
          if (crowd) painter.rect(Math.round(x) - 2, Math.round(y) - 2, 4, 4, colour, kept ? 0.7 : 0.06);
          else painter.path(shape, x, y, colour, kept ? palette.ground : undefined, kept ? 0.9 : 0.12);
        }
      }
  });
}
