/** The checkpoints of an evolution: which is drawn, and how a metric went through them all.  Other boards have none. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { judge } from "../domain/assessment";
import { valuesOf } from "../domain/metrics";
import type { EncodedTable, Table, Thresholds } from "../wire/model";
import { each } from "./columns";
import type { LinkedTraits } from "./traits";

export interface Checkpoints {
  /** Their names, in order; none where this is no evolution. */
  checkpoints: ReadonlySignal<readonly string[]>;
  /** The place of the one that is drawn. */
  step: ReadonlySignal<number>;
  moveTo(step: number): void;
  /** A metric of all layers at every checkpoint, by row. */
  history(metric: string): Float64Array[];
}

interface Grounds {
  encoded: ReadonlySignal<EncodedTable>;
  tables: ReadonlySignal<Table[]>;
  thresholds: ReadonlySignal<Thresholds>;
  scheme: ReadonlySignal<string>;
}

export function createCheckpoints(traits: LinkedTraits, { encoded, tables, thresholds, scheme }: Grounds): Checkpoints {
  const chosen = traits.linked("checkpoint");
  const checkpoints = computed(() => (encoded.value.checkpoints ?? []).map(({ name }) => name));
  return {
    checkpoints,
    step: computed(() => Math.max(0, checkpoints.value.indexOf(chosen.value ?? ""))),
    moveTo: (step) => {
      const name = checkpoints.peek()[step];
      if (name === undefined || name === chosen.peek()) return;
      chosen.value = name;
      traits.writeSoon("checkpoint", () => chosen.peek());
    },
    history: each((metric: string) =>
      tables.value.map((table) => {
        const judgements =
          metric === "risk" ? Array.from({ length: table.rows }, (_, row) => judge(table, row, thresholds.value)) : [];
        return valuesOf(metric, table, judgements, metric === "sqnr_db" ? scheme.value : "int8_tensor");
      }),
    ),
  };
}
