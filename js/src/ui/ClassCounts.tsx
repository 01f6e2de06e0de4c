/** How many layers are in each class of a metric; a click on one narrows to it. */

import { CLASSES, type ClassifiedMetric } from "../domain/assessment";
import { formatCount } from "../domain/format";
import { useView } from "../state/context";
import { toggled } from "../state/filters";
import type { Store } from "../state/store";
import { className, say } from "../text/messages";

/** Layers of each class among those that the filters leave. */
export function classCounts(store: Store, metric: ClassifiedMetric): number[] {
  const counts = CLASSES[metric].map(() => 0);
  const classes = store.classes(metric);
  for (const row of store.matching.value) {
    const at = classes[row] as number;
    if (at >= 0) counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

export function ClassCounts({ metric }: { metric: ClassifiedMetric }) {
  const { store } = useView();
  const counts = classCounts(store, metric);
  const field = `class:${metric}` as const;
  const filter = store.filters.value.get(field);
  return (
    <ul class="wsw-classes">
      {CLASSES[metric].map(({ name, level }, index) => (
        <li key={name}>
          <button
            type="button"
            class="wsw-class"
            aria-pressed={filter?.by === "field" && filter.values.includes(name)}
            title={say("page.narrowTo", { name: className(metric, name) })}
            onClick={() => toggled(store, field, name)}
          >
            <i class="wsw-level wsw-level-first" data-level={level} />
            {className(metric, name)} <b>{formatCount(counts[index] as number)}</b>
          </button>
        </li>
      ))}
    </ul>
  );
}
