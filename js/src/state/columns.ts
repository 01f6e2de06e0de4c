/** What is derived from the numbers of all layers, each once until something that it rests on changes. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { CLASSES, type ClassifiedMetric, classIndex, type Judgement } from "../domain/assessment";
import { classifiedMetric, valuesOf } from "../domain/metrics";
import type { Table, Thresholds } from "../wire/model";

export interface Columns {
  /** A metric of all layers, by row; NaN where it does not exist or is not known yet. */
  column(metric: string): Float64Array;
  /** The class of all layers by a metric, as an index into its `CLASSES`; -1 where there is none. */
  classes(metric: ClassifiedMetric): Int8Array;
  /** The rows that have a metric, sorted by it, ties in the model's order. */
  ascending(metric: string): number[];
  descending(metric: string): number[];
}

interface Grounds {
  table: ReadonlySignal<Table>;
  judgements: ReadonlySignal<Judgement[]>;
  thresholds: ReadonlySignal<Thresholds>;
  scheme: ReadonlySignal<string>;
}

export function createColumns({ table, judgements, thresholds, scheme }: Grounds): Columns {
  const column = each((metric: string) =>
    // Only a few metrics rest on judgements or the scheme; the others are not computed anew when those change.
    valuesOf(
      metric,
      table.value,
      metric === "risk" ? judgements.value : [],
      metric === "sqnr_db" ? scheme.value : "int8_tensor",
    ),
  );
  return {
    column,
    classes: each((metric: ClassifiedMetric) => {
      const levels = thresholds.value[metric];
      return Int8Array.from(column(metric), (value) => classIndex(metric, value, levels));
    }),
    ascending: each((metric: string) => ranked(column(metric), 1)),
    descending: each((metric: string) => ranked(column(metric), -1)),
  };
}

function ranked(values: Float64Array, direction: 1 | -1): number[] {
  const rows = Array.from(values.keys()).filter((row) => !Number.isNaN(values[row]));
  return rows.sort((a, b) => direction * compare(values[a] as number, values[b] as number) || a - b);
}

// Not the difference, which does not exist of two infinite values.
const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/** One computed signal for each key, made when it is first asked for. */
export function each<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, ReadonlySignal<V>>();
  return (key) => {
    let found = known.get(key);
    if (!found) {
      found = computed(() => compute(key));
      known.set(key, found);
    }
    return found.value;
  };
}

/** The name of a layer's class by a metric; null where there is none. */
export function className(columns: Columns, name: string, row: number): string | null {
  const metric = classifiedMetric(name);
  if (metric === null) return null;
  return CLASSES[metric][columns.classes(metric)[row] as number]?.name ?? null;
}
