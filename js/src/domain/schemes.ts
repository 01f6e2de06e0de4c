/** The quantization schemes, as `weightscope_widget/analyzers/schemes/catalogue.py` defines them. */

import type { Store } from "../state/store";
import type { Catalog } from "../wire/model";
import { columnOf } from "./metrics";

export interface Scheme {
  /** Bits per weight, without the scales. */
  bits: number;
  /** What has a scale of its own. */
  shared: "tensor" | "channel" | "group" | "block";
  /** How many weights a group or block has; 0 for the others. */
  size: number;
  /** Bits per scale. */
  scaleBits: number;
  /** What a Gaussian matrix of 1024 × 4096 scores, in decibels. */
  gaussian: number;
}

const scheme = (bits: number, shared: Scheme["shared"], gaussian: number, size = 0): Scheme => ({
  bits,
  shared,
  size,
  scaleBits: shared === "block" ? 32 : 16,
  gaussian,
});

export const SCHEMES = {
  int8_tensor: scheme(8, "tensor", 38.76),
  int8_channel: scheme(8, "channel", 41.22),
  int8_group128: scheme(8, "group", 43.78, 128),
  int4_channel: scheme(4, "channel", 16.05),
  int4_group128: scheme(4, "group", 18.61, 128),
  nf4_block64: scheme(4, "block", 20.73, 64),
  fp8_e4m3: scheme(8, "tensor", 31.55),
};

export type SchemeName = keyof typeof SCHEMES;

/** What Gaussian weights score; null where that depends on the shape, or the scheme is unknown. */
export const gaussianSqnr = (name: string): number | null =>
  name === "int8_tensor" ? null : (SCHEMES[name as SchemeName]?.gaussian ?? null);

/** Bytes of a (rows, columns) matrix in a scheme, scales included. */
export function bytesIn({ bits, shared, size, scaleBits }: Scheme, rows: number, columns: number): number {
  const scales = {
    tensor: 1,
    channel: rows,
    group: rows * Math.ceil(columns / (size || 1)),
    block: Math.ceil((rows * columns) / (size || 1)),
  }[shared];
  return (bits * rows * columns + scaleBits * scales) / 8;
}

/** Bytes of a weight as it is stored. */
export const BYTES = new Map(
  Object.entries({ float64: 8, float32: 4, float16: 2, bfloat16: 2, float8_e4m3fn: 1, float8_e5m2: 1 }),
);

/** The sides of a layer's matrix, (out, in·∏kernel), and how many such matrices a stack holds. */
export function sidesOf(shape: string, stacked: boolean): { rows: number; columns: number; matrices: number } | null {
  const sides = shape.split(" × ").map(Number);
  if (sides.length < 2 || !sides.every((side) => side > 0)) return null;
  const [matrices, ...rest] = stacked ? sides : [1, ...sides];
  const [rows, ...others] = rest as [number, ...number[]];
  return { rows, columns: others.reduce((product, side) => product * side, 1), matrices: matrices as number };
}

export interface SchemeSummary {
  scheme: string;
  /** Bytes of the layers quantized, scales included. */
  bytes: number;
  /** Bytes of the same layers as they are stored. */
  stored: number;
  /** SQNR weighted by parameters, in decibels; NaN where the scan left the scheme out. */
  sqnr: number;
  /** Layers below the high-risk line. */
  risky: number;
}

interface Sizes {
  rows: Float64Array;
  columns: Float64Array;
  matrices: Float64Array;
  /** Bytes per weight as it is stored. */
  bytes: Float64Array;
}

const known = new WeakMap<Catalog, Sizes>();

/** The sizes of all layers, read off their shapes once; NaN where a layer is no matrix. */
function sizesOf(catalog: Catalog): Sizes {
  let sizes = known.get(catalog);
  if (!sizes) {
    const stacked = new Set(catalog.stacked);
    const sides = catalog.shapes.map((shape, row) => sidesOf(shape, stacked.has(row)));
    const column = (of: (row: number) => number | undefined): Float64Array =>
      Float64Array.from(sides, (_, row) => of(row) ?? Number.NaN);
    sizes = {
      rows: column((row) => sides[row]?.rows),
      columns: column((row) => sides[row]?.columns),
      matrices: column((row) => sides[row]?.matrices),
      bytes: column((row) => BYTES.get(catalog.dtypes[row] ?? "") ?? 4),
    };
    known.set(catalog, sizes);
  }
  return sizes;
}

/** What each scheme would make of the layers that the filters leave. */
export function summarize(store: Store): SchemeSummary[] {
  const { value: table } = store.table;
  const [, risky] = store.thresholds.value.sqnr_db;
  const { rows, columns, matrices, bytes } = sizesOf(store.catalog.value);
  const left = store.matching.value.filter((row) => !Number.isNaN(rows[row]));
  return Object.entries(SCHEMES).map(([scheme, storage]) => {
    const values = table.column(columnOf("sqnr_db", scheme));
    const total = { bytes: 0, stored: 0, weighted: 0, parameters: 0, risky: 0 };
    for (const row of left) {
      const [down, across, many] = [rows[row] as number, columns[row] as number, matrices[row] as number];
      const entries = down * across * many;
      total.bytes += many * bytesIn(storage, down, across);
      total.stored += entries * (bytes[row] as number);
      const value = values[row] as number;
      if (!Number.isFinite(value)) continue;
      total.weighted += value * entries;
      total.parameters += entries;
      if (value < risky) total.risky++;
    }
    return {
      scheme,
      bytes: total.bytes,
      stored: total.stored,
      sqnr: total.parameters > 0 ? total.weighted / total.parameters : Number.NaN,
      risky: total.risky,
    };
  });
}
