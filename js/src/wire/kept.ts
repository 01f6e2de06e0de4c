/** What single layers draw, packed as `weightscope_widget/dashboard/details.py` does: known without asking a kernel. */

import { type EncodedKept, own, type Place } from "./model";

/** What is an array, wherever it stands in what is said of a layer. */
const ARRAYS = new Set(["counts", "spectrum", "cells", "nearest"]);

/** Replace the places of arrays by what `array` says is there. */
export function withArrays<T>(said: unknown, array: (index: number) => T): unknown {
  if (said === null || typeof said !== "object") return said;
  return Object.fromEntries(
    Object.entries(said).map(([key, value]) => [
      key,
      ARRAYS.has(key) && typeof value === "number" ? array(value) : withArrays(value, array),
    ]),
  );
}

export class Kept {
  constructor(private readonly encoded: EncodedKept) {}

  /** What a layer draws, with arrays as their places; undefined where it is not kept. */
  said(key: string): Record<string, unknown> | undefined {
    return own(this.encoded.layers ?? {}, key);
  }

  /** An array as float64, whatever it was kept as. */
  array(index: number): DataView {
    const { arrays = [], data } = this.encoded;
    const { offset, length, type } = arrays[index] as Place;
    const { buffer, byteOffset } = data as DataView;
    if (type === "f8") return new DataView(buffer, byteOffset + offset, 8 * length);
    const narrow = new DataView(buffer, byteOffset + offset, 4 * length);
    return new DataView(Float64Array.from({ length }, (_, at) => narrow.getFloat32(4 * at, true)).buffer);
  }
}
