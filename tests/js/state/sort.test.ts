import { describe, expect, it } from "vitest";
import type { SortColumn } from "../../../js/src/state/sort";
import { createStore } from "../../../js/src/state/store";
import { Kernel, LAYERS } from "../kernel";

const waiting = LAYERS.map(({ values: _, ...layer }) => ({ ...layer, stage: 0 }));

describe("the table's order", () => {
  // By the figures in kernel.ts; those without a number last, ties in the model's order.
  const ORDERS: [SortColumn, number[], number[]][] = [
    ["label", [6, 5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5, 6]], // sorted so from the start: the first click turns it
    ["kind", [1, 3, 4, 5, 6, 0, 2], [2, 0, 4, 5, 6, 1, 3]],
    ["shape", [6, 5, 4, 1, 3, 0, 2], [2, 0, 1, 3, 4, 5, 6]],
    ["parameters", [2, 0, 1, 3, 4, 5, 6], [6, 5, 4, 1, 3, 0, 2]],
    ["condition_number", [3, 1, 0, 2, 4, 5, 6], [2, 0, 1, 3, 4, 5, 6]],
    ["stable_rank", [0, 1, 3, 2, 4, 5, 6], [2, 3, 1, 0, 4, 5, 6]],
    ["sqnr_db", [2, 0, 1, 3, 5, 4, 6], [5, 3, 1, 0, 2, 4, 6]],
    ["extreme_outlier_percentage", [1, 0, 2, 3, 5, 4, 6], [5, 3, 2, 0, 1, 4, 6]],
    ["grade", [1, 5, 0, 3, 2, 4, 6], [2, 0, 3, 1, 5, 4, 6]],
    ["risk", [5, 1, 3, 0, 2, 4, 6], [2, 0, 3, 1, 5, 4, 6]],
  ];

  it.each(ORDERS)("by %s is %j, and %j the other way", (column, first, second) => {
    const { sortBy, order } = createStore(new Kernel());
    sortBy(column);
    expect(order.value).toEqual(first);
    sortBy(column);
    expect(order.value).toEqual(second);
  });

  it("holds what the search leaves", () => {
    const { search, sortBy, order, matching } = createStore(new Kernel());
    sortBy("condition_number");
    search("c_proj");
    expect([order.value, matching.value]).toEqual([
      [3, 1],
      [1, 3],
    ]);
  });
});

describe("results that arrive bit by bit", () => {
  it("sort themselves in, and the selection stays with its layer", () => {
    const kernel = new Kernel(waiting);
    const { sortBy, order, select, selected, judgements } = createStore(kernel);
    sortBy("risk");
    select(2);
    expect([order.value, judgements.value.map(({ grade }) => grade)]).toEqual([
      [0, 1, 2, 3, 4, 5, 6],
      Array(7).fill(null),
    ]);
    kernel.report(LAYERS.map((layer, row) => (row < 2 ? layer : (waiting[row] as typeof layer))));
    expect(order.value).toEqual([1, 0, 2, 3, 4, 5, 6]);
    kernel.report(LAYERS);
    expect(order.value).toEqual([5, 1, 3, 0, 2, 4, 6]);
    expect(selected.value).toBe(2);
  });

  it("give no grade to a layer whose spectrum is still to come", () => {
    const { "spectral.condition_number": _, ...cheap } = LAYERS[1]?.values ?? {};
    const { judgements } = createStore(new Kernel([{ name: "h.0", stage: 1, values: cheap }]));
    expect(judgements.value).toEqual([{ grade: null, risk: Number.NaN }]);
  });
});
