/** What each scheme would make of the layers that the filters leave. */

import { bytesIn, SCHEMES, sidesOf, sqnrColumn, storedBytes } from "../../domain/schemes";
import type { Store } from "../../state/store";
import type { Catalog } from "../../wire/model";

export interface SchemeSummary {
  scheme: string;
  /** Bytes of the layers quantized, scales included. */
  bytes: number;
  /** Bytes of the same layers as they are stored; NaN where the storage type of one is not known. */
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
      bytes: column((row) => storedBytes(catalog.dtypes[row] ?? "")),
    };
    known.set(catalog, sizes);
  }
  return sizes;
}

export function summarize(store: Store): SchemeSummary[] {
  const { value: table } = store.table;
  const [, risky] = store.thresholds.value.sqnr_db;
  const { rows, columns, matrices, bytes } = sizesOf(store.catalog.value);
  const left = store.matching.value.filter((row) => !Number.isNaN(rows[row]));
  return Object.entries(SCHEMES).map(([scheme, storage]) => {
    const values = table.column(sqnrColumn(table, scheme));
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
