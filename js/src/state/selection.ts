/** Which layers the person looks at: one that is selected, and up to five more beside it. */

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Catalog, Traits } from "../wire/model";
import type { LinkedTraits } from "./traits";

export const MOST_COMPARED = 6;

export interface Selection {
  /** Row of the selected layer. */
  selected: ReadonlySignal<number | null>;
  /** Rows drawn beside each other: the selected one among them, in the order in which they were chosen. */
  compared: ReadonlySignal<number[]>;
  hovered: ReadonlySignal<number | null>;
  select(row: number | null): void;
  /** Put a layer beside the others and select it, or take it away again. */
  compare(row: number): void;
  hover(row: number | null): void;
}

export function createSelection(traits: LinkedTraits, catalog: ReadonlySignal<Catalog>): Selection {
  const selectedName = traits.linked("selected");
  const comparedNames = traits.linked("compared");
  const hovered = signal<number | null>(null);

  const rows = computed(() => new Map(catalog.value.names.map((name, row) => [name, row])));
  const rowOf = (name: string | null): number | null => (name === null ? null : (rows.value.get(name) ?? null));
  const selected = computed(() => rowOf(selectedName.value));
  const compared = computed(() => {
    const others = comparedNames.value.map(rowOf).filter((row) => row !== null);
    const row = selected.value;
    return row === null || others.includes(row) ? others.slice(0, MOST_COMPARED) : [row];
  });

  // `Board` in Python keeps the selected layer among the compared ones; the page shows its own choice at once.
  const set = (name: string | null, names: string[]): void => {
    const changed: Partial<Traits> = {};
    if (name !== selectedName.peek()) changed.selected = name;
    if (names.join("\n") !== comparedNames.peek().join("\n")) changed.compared = names;
    if (Object.keys(changed).length === 0) return;
    // At once: the way through the kernel takes a tenth of a second.
    batch(() => {
      selectedName.value = name;
      comparedNames.value = names;
    });
    traits.write(changed);
  };

  return {
    selected,
    compared,
    hovered,
    select: (row) => {
      const name = row === null ? null : (catalog.value.names[row] ?? null);
      set(name, name === null ? [] : [name]);
    },
    compare: (row) => {
      const name = catalog.value.names[row];
      if (name === undefined) return;
      const names = compared.value.map((other) => catalog.value.names[other] as string);
      if (names.includes(name)) {
        const others = names.filter((other) => other !== name);
        set(selectedName.value === name ? (others[others.length - 1] ?? null) : selectedName.value, others);
      } else set(name, [...names.slice(names.length < MOST_COMPARED ? 0 : 1), name]);
    },
    hover: (row) => {
      hovered.value = row;
    },
  };
}
