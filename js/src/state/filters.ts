/** What narrows the panels: the search, and one filter for each place where a person brushed or chose. */

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Catalog } from "../wire/model";

export type Field = "family" | "kind" | "grade" | `class:${string}`;

export type Filter =
  /** Layers whose metric lies within, both ends included; one without the metric is out. */
  | { by: "range"; metric: string; low: number; high: number }
  /** Layers whose field is one of the values; a null stands for those that have none. */
  | { by: "field"; field: Field; values: readonly (string | null)[] }
  /** These rows: a region of a chart, a list that Python gave, or what was left when the page was last open. */
  | { by: "rows"; from: "region" | "map" | "python" | "earlier"; rows: ReadonlySet<number> };

/** One filter for each place: brushing the same histogram again replaces what it said before. */
export const keyOf = (filter: Filter): string =>
  filter.by === "range" ? `range:${filter.metric}` : filter.by === "field" ? filter.field : filter.from;

/** What filters look at. */
export interface Facts {
  catalog: ReadonlySignal<Catalog>;
  column(metric: string): Float64Array;
  field(field: Field, row: number): string | null;
}

export interface Filters {
  query: ReadonlySignal<string>;
  filters: ReadonlySignal<ReadonlyMap<string, Filter>>;
  /** Whether anything narrows. */
  narrowed: ReadonlySignal<boolean>;
  /** One where a row is left, by row. */
  mask: ReadonlySignal<Uint8Array>;
  /** Rows that are left, in the model's order. */
  matching: ReadonlySignal<number[]>;
  search(query: string): void;
  /** Add a filter, or replace the one of the same place. */
  narrow(filter: Filter): void;
  widen(key: string): void;
  /** Take all filters away, the search too, and put some in their place. */
  reset(...filters: Filter[]): void;
}

export function createFilters(facts: Facts): Filters {
  const { catalog } = facts;
  const query = signal("");
  const filters = signal<ReadonlyMap<string, Filter>>(new Map());

  const haystack = computed(() => {
    const { names, labels, kinds, families, stacks, shapes } = catalog.value;
    return names.map((name, row) =>
      [name, labels[row], kinds[row], families[row], stacks[row], shapes[row]].join("\n").toLowerCase(),
    );
  });

  const test = (filter: Filter): ((row: number) => boolean) => {
    if (filter.by === "rows") return (row) => filter.rows.has(row);
    if (filter.by === "field") {
      const values = new Set(filter.values);
      return (row) => values.has(facts.field(filter.field, row));
    }
    const { low, high } = filter;
    const values = facts.column(filter.metric);
    return (row) => (values[row] as number) >= low && (values[row] as number) <= high;
  };

  const mask = computed(() => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const tests = [...filters.value.values()].map(test);
    if (words.length) tests.push((row) => words.every((word) => haystack.value[row]?.includes(word)));
    const rows = catalog.value.names.length;
    const left = new Uint8Array(rows).fill(1);
    for (const holds of tests) for (let row = 0; row < rows; row++) if (left[row] && !holds(row)) left[row] = 0;
    return left;
  });

  return {
    query,
    filters,
    narrowed: computed(() => filters.value.size > 0 || query.value.trim() !== ""),
    mask,
    matching: computed(() => {
      const rows: number[] = [];
      for (const [row, left] of mask.value.entries()) if (left) rows.push(row);
      return rows;
    }),
    search: (text) => {
      query.value = text;
    },
    narrow: (filter) => {
      filters.value = new Map(filters.value).set(keyOf(filter), filter);
    },
    widen: (key) => {
      const others = new Map(filters.value);
      if (others.delete(key)) filters.value = others;
    },
    reset: (...others) => {
      batch(() => {
        query.value = "";
        filters.value = new Map(others.map((filter) => [keyOf(filter), filter]));
      });
    },
  };
}

/** Narrow to a value of a field, beside those narrowed to already; or no longer to it. */
export function toggled(filters: Pick<Filters, "filters" | "narrow" | "widen">, field: Field, value: string): void {
  const now = filters.filters.peek().get(field);
  const values = now?.by === "field" ? now.values : [];
  const next = values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
  if (next.length === 0) filters.widen(field);
  else filters.narrow({ by: "field", field, values: next });
}
