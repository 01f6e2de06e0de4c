/** The quantization schemes and storage types of `data/rules.json`. */

import rules from "../../../weightscope_widget/data/rules.json";
import type { Table } from "../wire/model";

export interface Scheme {
  /** Bits per weight, without the scales. */
  bits: number;
  /** What has a scale of its own: `"tensor"`, `"channel"`, `"group"` or `"block"`. */
  shared_by: string;
  /** How many weights a group or block has; 0 for the others. */
  size: number;
  scale_bits: number;
  /** SQNR of a Gaussian matrix of 1024 × 4096, in decibels. */
  gaussian_sqnr_db: number;
}

export type SchemeName = keyof typeof rules.schemes;
export const SCHEMES: Record<SchemeName, Scheme> = rules.schemes;

/** The scheme of the `quantization` section; the section `schemes` has it too. */
export const USUAL_SCHEME: SchemeName = "int8_tensor";

/** The column of a scheme's SQNR. */
export const sqnrColumn = (table: Pick<Table, "has">, scheme: string): string =>
  scheme === USUAL_SCHEME && table.has("quantization.sqnr_db") ? "quantization.sqnr_db" : `schemes.${scheme}_sqnr_db`;

/** SQNR of Gaussian weights; null where that depends on the shape, or the scheme is unknown. */
export const gaussianSqnr = (name: string): number | null =>
  name === USUAL_SCHEME ? null : (SCHEMES[name as SchemeName]?.gaussian_sqnr_db ?? null);

/** Bytes of a (rows, columns) matrix in a scheme, scales included. */
export function bytesIn({ bits, shared_by, size, scale_bits }: Scheme, rows: number, columns: number): number {
  const scales: Record<string, number> = {
    tensor: 1,
    channel: rows,
    group: rows * Math.ceil(columns / (size || 1)),
    block: Math.ceil((rows * columns) / (size || 1)),
  };
  return (bits * rows * columns + scale_bits * (scales[shared_by] as number)) / 8;
}

const STORED_BITS: Map<string, number> = new Map(Object.entries(rules.stored_bits));

/** Bytes per weight of a storage type such as `"Q4_K"` or `"int4 (GPTQ)"`; NaN for a type that is not known. */
export const storedBytes = (dtype: string): number =>
  (STORED_BITS.get(dtype.split(" (")[0] as string) ?? Number.NaN) / 8;

/** The sides of a layer's matrix, (out, in·∏kernel), and how many such matrices a stack holds. */
export function sidesOf(shape: string, stacked: boolean): { rows: number; columns: number; matrices: number } | null {
  const sides = shape.split(" × ").map(Number);
  if (sides.length < 2 || !sides.every((side) => side > 0)) return null;
  const [matrices, ...rest] = stacked ? sides : [1, ...sides];
  const [rows, ...others] = rest as [number, ...number[]];
  return { rows, columns: others.reduce((product, side) => product * side, 1), matrices: matrices as number };
}
