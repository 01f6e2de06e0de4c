/** What the dashboard knows and what the person has chosen; panels read signals and call actions, nothing else. */

import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { type Judgement, judge } from "../domain/assessment";
import { detectLanguage, language, texts } from "../text/messages";
import { Kept } from "../wire/kept";
import {
  type Catalog,
  type Model,
  type ModelAdvice,
  own,
  type Plan,
  type Progress,
  Table,
  type Theme,
  type Traits,
  tablesOf,
} from "../wire/model";
import { Requests } from "../wire/requests";
import { type Checkpoints, createCheckpoints } from "./checkpoints";
import { type Columns, className, createColumns } from "./columns";
import { type Detail, Details } from "./details";
import { createFilters, type Field, type Filters } from "./filters";
import { createSelection, type Selection } from "./selection";
import { gradeRank, type Sort, type SortColumn, sortedByDefault, sortRows } from "./sort";
import { LinkedTraits } from "./traits";
import { createWhatIf, type WhatIf } from "./whatif";

export interface Store extends Selection, Filters, WhatIf, Columns, Checkpoints {
  catalog: ReadonlySignal<Catalog>;
  height: ReadonlySignal<Traits["height"]>;
  theme: ReadonlySignal<Theme>;
  table: ReadonlySignal<Table>;
  progress: ReadonlySignal<Progress>;
  judgements: ReadonlySignal<Judgement[]>;
  /** What a layer is by a field, such as its grade; null where it cannot be said. */
  field(field: Field, row: number): string | null;
  sort: ReadonlySignal<Sort>;
  /** Rows that the filters leave, as sorted. */
  order: ReadonlySignal<number[]>;
  /** Histogram and spectrum of the selected layer. */
  detail: ReadonlySignal<Detail | null>;
  /** Those of any layer; asked for where it is one that is compared. */
  detailOf(row: number): Detail;
  /** The kernel's advice for the layers, as columns, and for the model. */
  advice: ReadonlySignal<{ columns: Table; model: ModelAdvice[] }>;
  /** The kernel's last plan for a scheme, or LoRA `"ranks"`. */
  planOf(subject: string): Plan | undefined;
  /** Have the kernel make one anew, with the thresholds and the energy of the page. */
  askPlan(subject: string): Promise<void>;
  sortBy(column: SortColumn): void;
  /** Select the layer `steps` further in the table's order, or at an end. */
  walk(steps: number | "first" | "last"): void;
  cancelScan(): void;
  /** The whole dashboard as one HTML page; null where there is no kernel to write it. */
  page: (() => Promise<ArrayBuffer>) | null;
  retryDetail(): void;
  close(): void;
}

const PAGE_DEADLINE = 300_000; // milliseconds; a page of ten thousand layers is large

export function createStore(model: Model): Store {
  const stops: (() => void)[] = [];
  const traits = new LinkedTraits(model);
  stops.push(() => traits.close());

  const catalog = traits.read("_catalog");
  const encoded = traits.read("_table");
  const [choice, sent] = [traits.read("language"), traits.read("_texts")];
  stops.push(
    effect(() => {
      texts.value = sent.value;
      language.value = detectLanguage(choice.value);
    }),
  );
  const tables = computed(() => tablesOf(encoded.value, catalog.value.names.length));

  const whatIf = createWhatIf(traits);
  const { thresholds, scheme } = whatIf;
  const checkpoints = createCheckpoints(traits, { encoded, tables, thresholds, scheme });
  const { step } = checkpoints;
  const table = computed(() => tables.value[step.value] as Table);
  const judgements = computed(() => catalog.value.names.map((_, row) => judge(table.value, row, thresholds.value)));

  const advised = traits.read("_advice");
  const plans = traits.read("_plans");
  const advice = computed(() => {
    const { columns = [], data = new DataView(new ArrayBuffer(0)), models = [] } = advised.value ?? {};
    const size = 8 * columns.length * catalog.value.names.length;
    const ofStep = new DataView(data.buffer, data.byteOffset + step.value * size, columns.length > 0 ? size : 0);
    return {
      columns: new Table({ ...encoded.value, columns, data: ofStep }, catalog.value.names.length),
      model: models[step.value] ?? [],
    };
  });

  const columns = createColumns({ table, judgements, thresholds, scheme });
  const { column } = columns;

  const field = (name: Field, row: number): string | null => {
    if (name === "family") return catalog.value.families[row] ?? null;
    if (name === "kind") return catalog.value.kinds[row] ?? null;
    if (name === "grade") return judgements.value[row]?.grade ?? null;
    return className(columns, name.slice("class:".length), row);
  };

  const filters = createFilters({ catalog, column, field });
  const selection = createSelection(traits, catalog);
  stops.push(linkSelection(traits, catalog, filters));

  const sort = signal<Sort>({ column: "label", descending: false });
  const sortKey = (by: SortColumn): ((row: number) => number | string) => {
    if (by === "label") return (row) => row; // the model's own order
    if (by === "kind") return (row) => catalog.value.kinds[row] ?? "";
    if (by === "grade") return (row) => gradeRank(judgements.value[row]?.grade ?? null);
    const values = column(by === "stable_rank" ? "stable_rank_percentage" : by === "shape" ? "parameters" : by);
    return (row) => values[row] as number;
  };
  const everyRow = computed(() => catalog.value.names.map((_, row) => row));
  // All are sorted once, not what is left at each step of a brush.
  const sorted = computed(() => sortRows(everyRow.value, sortKey(sort.value.column), sort.value.descending));
  const order = computed(() => {
    const mask = filters.mask.value;
    return sorted.value.filter((row) => mask[row]);
  });

  const requests = new Requests(model);
  stops.push(() => requests.close());
  const kept = traits.read("_kept");
  const details = new Details(requests, () => new Kept(kept.peek()));
  const nameOf = (row: number): string => catalog.value.names[row] as string;
  // A layer is drawn once for each checkpoint.
  const keyAt = (at: number, name: string): string => (checkpoints.checkpoints.value.length ? `${at}/${name}` : name);
  const keyOf = (row: number): string => keyAt(step.value, nameOf(row));

  // What is looked at is fetched first, and again when more of it has been computed.
  stops.push(
    effect(() => {
      for (const row of selection.compared.value) details.want(keyOf(row), table.value.stage(row));
    }),
  );
  // Everything else follows when there is time, so that a click needs no kernel.
  stops.push(
    effect(() => {
      const all = tables.value;
      details.prefetch(
        all.flatMap((_, ahead) => {
          const at = (step.value + ahead) % all.length;
          return catalog.value.names.map((name, row) => ({
            key: keyAt(at, name),
            stage: (all[at] as Table).stage(row),
          }));
        }),
      );
    }),
  );

  return {
    ...whatIf,
    ...filters,
    ...selection,
    ...columns,
    ...checkpoints,
    catalog,
    height: traits.read("height"),
    theme: traits.read("theme"),
    table,
    progress: computed(() => table.value.progress),
    judgements,
    field,
    sort,
    order,
    detail: computed(() => (selection.selected.value === null ? null : details.get(keyOf(selection.selected.value)))),
    detailOf: (row) => details.get(keyOf(row)),
    advice,
    planOf: (subject) => own(plans.value, `${step.value}/${subject}`),
    askPlan: async (subject) => {
      const { energy } = whatIf.view.value;
      await requests.ask("plan", { key: `${step.value}/${subject}`, energy, thresholds: thresholds.value });
    },
    sortBy: (by) => {
      const { column: current, descending } = sort.value;
      sort.value = { column: by, descending: by === current ? !descending : sortedByDefault(by) };
    },
    walk: (steps) => {
      const rows = order.value;
      if (rows.length === 0) return;
      const last = rows.length - 1;
      const { value: selected } = selection.selected;
      const at = selected === null ? -1 : rows.indexOf(selected);
      const goal = steps === "first" ? 0 : steps === "last" ? last : at < 0 ? (steps > 0 ? 0 : last) : at + steps;
      batch(() => {
        selection.select(rows[Math.max(0, Math.min(last, goal))] ?? null);
        selection.hover(null);
      });
    },
    cancelScan: () => {
      requests.ask("cancel").catch(() => undefined); // the progress says what became of it
    },
    page: model.get("_saved")
      ? null
      : async () => {
          traits.flush(); // the page is saved as it is seen
          const { buffers } = await requests.ask<object>("page", {}, PAGE_DEADLINE);
          const { buffer, byteOffset, byteLength } = buffers[0] as DataView;
          return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
        },
    retryDetail: () => {
      for (const row of selection.compared.value) details.want(keyOf(row), table.value.stage(row), true);
    },
    close: () => {
      for (const stop of stops) stop();
    },
  };
}

/** `selection` says which layers the filters leave, and none where nothing narrows; Python sets it to narrow. */
function linkSelection(traits: LinkedTraits, catalog: ReadonlySignal<Catalog>, filters: Filters): () => void {
  const names = traits.linked("selection");
  const narrowTo = (wanted: readonly string[], from: "python" | "earlier"): void => {
    const rows = new Set(wanted);
    if (rows.size === 0) filters.reset();
    else
      filters.reset({
        by: "rows",
        from,
        rows: new Set(catalog.peek().names.flatMap((name, row) => (rows.has(name) ? [row] : []))),
      });
  };
  const left = (): string[] =>
    filters.narrowed.peek() ? filters.matching.peek().map((row) => catalog.peek().names[row] as string) : [];
  const same = (a: readonly string[], b: readonly string[]): boolean =>
    a.length === b.length && a.every((name, index) => name === b[index]);
  traits.listen("selection", () => {
    if (!same(names.peek(), left())) narrowTo(names.peek(), "python");
  });
  narrowTo(names.peek(), "earlier"); // a page opened anew shows what was left
  return effect(() => {
    filters.matching.value;
    filters.narrowed.value;
    if (same(names.peek(), left())) return;
    traits.writeSoon("selection", () => {
      names.value = left();
      return names.value;
    });
  });
}
