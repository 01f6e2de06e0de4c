/** What the dashboard knows and what the person has chosen; panels read signals and call actions, nothing else. */

import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { type Judgement, judge, stableRankPercentage } from "./assessment";
import { type Detail, Details } from "./details";
import { type Catalog, type Progress, Table, type Thresholds, type Traits } from "./model";
import { Requests, type Wire } from "./requests";

/** The part of anywidget's model that the store uses. */
export interface Model extends Wire {
  get<K extends keyof Traits>(key: K): Traits[K];
  set<K extends keyof Traits>(key: K, value: Traits[K]): void;
  save_changes(): void;
  on(event: `change:${keyof Traits}`, handler: () => void): void;
  on(event: "msg:custom", handler: (message: unknown, buffers: DataView[]) => void): void;
  off(event: `change:${keyof Traits}`, handler: () => void): void;
  off(event: "msg:custom", handler: (message: unknown, buffers: DataView[]) => void): void;
}

export type SortColumn =
  | "label"
  | "kind"
  | "shape"
  | "parameters"
  | "condition_number"
  | "stable_rank"
  | "sqnr_db"
  | "extreme_outlier_percentage"
  | "grade"
  | "risk";

export interface Sort {
  column: SortColumn;
  descending: boolean;
}

export interface Store {
  catalog: ReadonlySignal<Catalog>;
  table: ReadonlySignal<Table>;
  thresholds: ReadonlySignal<Thresholds>;
  progress: ReadonlySignal<Progress>;
  judgements: ReadonlySignal<Judgement[]>;
  /** Row of the selected layer. */
  selected: ReadonlySignal<number | null>;
  hovered: ReadonlySignal<number | null>;
  query: ReadonlySignal<string>;
  sort: ReadonlySignal<Sort>;
  /** Rows that the search leaves, in the model's order. */
  matching: ReadonlySignal<number[]>;
  /** Rows that the search leaves, as sorted. */
  order: ReadonlySignal<number[]>;
  /** Histogram and spectrum of the selected layer. */
  detail: ReadonlySignal<Detail | null>;
  select(row: number | null): void;
  hover(row: number | null): void;
  search(query: string): void;
  sortBy(column: SortColumn): void;
  /** Select the layer `steps` further in the table's order, or at an end. */
  walk(steps: number | "first" | "last"): void;
  cancelScan(): void;
  retryDetail(): void;
  close(): void;
}

/** Columns whose large values are the interesting ones start descending. */
const DESCENDING: readonly SortColumn[] = [
  "parameters",
  "condition_number",
  "extreme_outlier_percentage",
  "grade",
  "risk",
];

const GRADE_ORDER = ["Excellent", "Good", "Warning", "Critical"];

export function createStore(model: Model): Store {
  const stops: (() => void)[] = [];
  const trait = <K extends keyof Traits>(key: K): ReadonlySignal<Traits[K]> => {
    const value = signal(model.get(key));
    const update = (): void => {
      value.value = model.get(key);
    };
    model.on(`change:${key}`, update);
    stops.push(() => model.off(`change:${key}`, update));
    return value;
  };

  const catalog = trait("_catalog");
  const thresholds = trait("_thresholds");
  const encoded = trait("_table");
  const selectedName = signal(model.get("selected"));
  const readSelected = (): void => {
    selectedName.value = model.get("selected");
  };
  model.on("change:selected", readSelected);
  stops.push(() => model.off("change:selected", readSelected));

  const hovered = signal<number | null>(null);
  const query = signal("");
  const sort = signal<Sort>({ column: "label", descending: false });

  const rows = computed(() => new Map(catalog.value.names.map((name, row) => [name, row])));
  const table = computed(() => new Table(encoded.value, catalog.value.names.length));
  const selected = computed(() => (selectedName.value === null ? null : (rows.value.get(selectedName.value) ?? null)));
  const judgements = computed(() => catalog.value.names.map((_, row) => judge(table.value, row, thresholds.value)));

  const haystack = computed(() => {
    const { names, labels, kinds, families, stacks, shapes } = catalog.value;
    return names.map((name, row) =>
      [name, labels[row], kinds[row], families[row], stacks[row], shapes[row]].join("\n").toLowerCase(),
    );
  });
  const matching = computed(() => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = catalog.value.names.map((_, row) => row);
    return words.length ? all.filter((row) => words.every((word) => haystack.value[row]?.includes(word))) : all;
  });

  const sortKey = (column: SortColumn): ((row: number) => number | string) => {
    const numbers = table.value;
    switch (column) {
      case "label":
        return (row) => row; // the model's own order
      case "kind":
        return (row) => catalog.value.kinds[row] ?? "";
      case "shape":
      case "parameters":
        return (row) => numbers.value("parameters", row);
      case "condition_number":
        return (row) => numbers.value("spectral.condition_number", row);
      case "stable_rank":
        return (row) => stableRankPercentage(numbers, row);
      case "sqnr_db":
      case "extreme_outlier_percentage":
        return (row) => numbers.value(`quantization.${column}`, row);
      case "grade":
        return (row) => {
          const grade = judgements.value[row]?.grade ?? null;
          return grade === null ? Number.NaN : GRADE_ORDER.indexOf(grade);
        };
      case "risk":
        return (row) => judgements.value[row]?.risk ?? Number.NaN;
    }
  };
  const order = computed(() => sortRows(matching.value, sortKey(sort.value.column), sort.value.descending));

  const requests = new Requests(model);
  stops.push(() => requests.close());
  const details = new Details(requests);

  // What is selected is fetched first, and again when more of it has been computed.
  stops.push(
    effect(() => {
      const row = selected.value;
      const name = row === null ? undefined : catalog.value.names[row];
      if (row !== null && name !== undefined) details.want(name, table.value.stage(row));
    }),
  );
  // Everything else follows when there is time, so that a click needs no kernel.
  stops.push(
    effect(() => {
      const numbers = table.value;
      details.prefetch(catalog.value.names.map((name, row) => ({ name, stage: numbers.stage(row) })));
    }),
  );

  const select = (row: number | null): void => {
    const name = row === null ? null : (catalog.value.names[row] ?? null);
    if (name === selectedName.value) return;
    selectedName.value = name; // at once: the way through the kernel takes a tenth of a second
    model.set("selected", name);
    try {
      model.save_changes();
    } catch {
      // A saved page has no kernel to tell.
    }
  };

  return {
    catalog,
    table,
    thresholds,
    progress: computed(() => table.value.progress),
    judgements,
    selected,
    hovered,
    query,
    sort,
    matching,
    order,
    detail: computed(() => {
      const name = selected.value === null ? undefined : catalog.value.names[selected.value];
      return name === undefined ? null : details.get(name);
    }),
    select,
    hover: (row) => {
      hovered.value = row;
    },
    search: (text) => {
      query.value = text;
    },
    sortBy: (column) => {
      const { column: current, descending } = sort.value;
      sort.value = { column, descending: column === current ? !descending : DESCENDING.includes(column) };
    },
    walk: (steps) => {
      const rowsInOrder = order.value;
      if (rowsInOrder.length === 0) return;
      const last = rowsInOrder.length - 1;
      const at = selected.value === null ? -1 : rowsInOrder.indexOf(selected.value);
      const goal = steps === "first" ? 0 : steps === "last" ? last : at < 0 ? (steps > 0 ? 0 : last) : at + steps;
      batch(() => {
        select(rowsInOrder[Math.max(0, Math.min(last, goal))] ?? null);
        hovered.value = null;
      });
    },
    cancelScan: () => {
      requests.ask("cancel").catch(() => undefined); // the progress says what became of it
    },
    retryDetail: () => {
      const row = selected.value;
      const name = row === null ? undefined : catalog.value.names[row];
      if (row !== null && name !== undefined) details.want(name, table.value.stage(row), true);
    },
    close: () => {
      for (const stop of stops) stop();
    },
  };
}

/** Sort rows by a key; those without a value come last either way, and ties keep the model's order. */
export function sortRows(rows: number[], key: (row: number) => number | string, descending: boolean): number[] {
  const missing = (value: number | string): boolean => typeof value === "number" && Number.isNaN(value);
  const direction = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: key(row) }))
    .sort((a, b) => {
      const gaps = Number(missing(a.value)) - Number(missing(b.value));
      if (gaps !== 0 || missing(a.value)) return gaps || a.row - b.row;
      if (a.value === b.value) return a.row - b.row;
      return a.value < b.value ? -direction : direction;
    })
    .map(({ row }) => row);
}
