/** The quantization schemes, as `weightscope_widget/analyzers/schemes/catalogue.py` defines them. */

import { columnOf } from "./metrics";
import type { Catalog } from "./model";
import type { Store } from "./store";

interface Scheme {
  /** Bits per weight, without the scales. */
  bits: number;
  scaleBits: number;
  /** How many scales a matrix has. */
  scales(rows: number, columns: number): number;
  /** What a large Gaussian matrix scores, in decibels; null where it depends on the shape. */
  gaussian: number | null;
}

const channels = (rows: number): number => rows;
const groups = (rows: number, columns: number): number => rows * Math.ceil(columns / 128);
const blocks = (rows: number, columns: number): number => Math.ceil((rows * columns) / 64);

export const SCHEMES: Record<string, Scheme> = {
  int8_tensor: { bits: 8, scaleBits: 16, scales: () => 1, gaussian: null },
  int8_channel: { bits: 8, scaleBits: 16, scales: channels, gaussian: 41.22 },
  int8_group128: { bits: 8, scaleBits: 16, scales: groups, gaussian: 43.78 },
  int4_channel: { bits: 4, scaleBits: 16, scales: channels, gaussian: 16.05 },
  int4_group128: { bits: 4, scaleBits: 16, scales: groups, gaussian: 18.61 },
  nf4_block64: { bits: 4, scaleBits: 32, scales: blocks, gaussian: 20.73 },
  fp8_e4m3: { bits: 8, scaleBits: 16, scales: () => 1, gaussian: 31.55 },
};

export const gaussianSqnr = (scheme: string): number | null => SCHEMES[scheme]?.gaussian ?? null;

/** The sides of a layer's matrix, (out, in·∏kernel), and how many such matrices a stack holds. */
export function sidesOf(shape: string, stacked: boolean): { rows: number; columns: number; matrices: number } | null {
  const sides = shape.split(" × ").map(Number);
  if (sides.length < 2 || !sides.every((side) => side > 0)) return null;
  const [matrices, ...rest] = stacked ? sides : [1, ...sides];
  const [rows, ...others] = rest as [number, ...number[]];
  return { rows, columns: others.reduce((product, side) => product * side, 1), matrices: matrices as number };
}

const BYTES: Record<string, number> = { float64: 8, float32: 4, float16: 2, bfloat16: 2 };

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
      bytes: column((row) => BYTES[catalog.dtypes[row] ?? ""] ?? 4),
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
  return Object.entries(SCHEMES).map(([scheme, { bits, scaleBits, scales }]) => {
    const values = table.column(columnOf("sqnr_db", scheme));
    const total = { bytes: 0, stored: 0, weighted: 0, parameters: 0, risky: 0 };
    for (const row of left) {
      const [down, across, many] = [rows[row] as number, columns[row] as number, matrices[row] as number];
      const entries = down * across * many;
      total.bytes += (entries * bits + many * scales(down, across) * scaleBits) / 8;
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
