/** What single layers draw, packed as `weightscope_widget/dashboard/details.py` does: known without asking a kernel. */

import { own } from "./model";

/** Of an array, where it begins among the bytes, how long it is, and what its numbers are. */
interface Place {
  offset: number;
  length: number;
  type: "f4" | "f8";
}

/** As a trait has it; empty where nothing is kept. */
export interface EncodedKept {
  layers?: Record<string, Record<string, unknown>>;
  arrays?: Place[];
  data?: DataView;
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
