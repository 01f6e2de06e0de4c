/** Cases that Python and the page share, and singular values as they describe them. */

import { readFileSync } from "node:fs";
import type { Thresholds } from "../../js/src/wire/model";

export const THRESHOLDS: Thresholds = {
  condition_number: [1e3, 1e4, 1e5],
  sqnr_db: [40, 30],
  extreme_outlier_percentage: [0.1, 1, 10],
  stable_rank_percentage: [10, 30, 50, 70],
};

export const read = (name: string) => JSON.parse(readFileSync(`tests/fixtures/${name}`, "utf8"));

/** Singular values, of which [count, value] are several alike. */
export function spectrumOf(values: (number | string | [number, number])[]): Float64Array {
  const all = values.flatMap((value) =>
    Array.isArray(value) ? Array.from({ length: value[0] }, () => value[1]) : [Number(value)],
  );
  return new Float64Array(all);
}
