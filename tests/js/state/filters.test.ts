/** What narrows, by hand on the seven layers of kernel.ts, and what Python hears and says of it. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Filter, keyOf, toggled } from "../../../js/src/state/filters";
import { createStore, type Store } from "../../../js/src/state/store";
import { Kernel, LAYERS } from "../kernel";

const ALL = [0, 1, 2, 3, 4, 5, 6];
const [NONE, EVERY] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
const range = (metric: string, low: number, high: number): Filter => ({ by: "range", metric, low, high });
const rows = (from: "region" | "map" | "python", ...wanted: number[]): Filter => ({
  by: "rows",
  from,
  rows: new Set(wanted),
});
const names = (...wanted: number[]): string[] => wanted.map((row) => LAYERS[row]?.name as string);

const left = (...filters: Filter[]): number[] => {
  const store = createStore(new Kernel());
  for (const filter of filters) store.narrow(filter);
  expect([...store.mask.value.entries()].flatMap(([row, one]) => (one ? [row] : []))).toEqual(store.matching.value);
  return store.matching.value;
};

describe("a range", () => {
  it.each([
    // κ: 6273, 103110, 44.4, 129499, then three without any.
    ["condition_number", 1000, 110_000, [0, 1]],
    ["condition_number", 103_109.8046875, 129_498.6328125, [1, 3]], // both ends belong to it
    ["condition_number", 103_109.9, 129_498.6, []],
    ["condition_number", NONE, EVERY, [0, 1, 2, 3]], // but not those that have none
    ["condition_number", 110_000, EVERY, [3]],
    ["condition_number", NONE, 50, [2]],
    ["condition_number", 200_000, 100, []], // the wrong way round
    ["sqnr_db", 30, EVERY, [5]],
    ["extreme_outlier_percentage", 0, 0, [5]],
    ["parameters", 589_824, 589_824, [1, 3]],
    // 3.085/768, 18.01/768, 26.52/768, 21.90/768 of the rank: 0.40, 2.35, 3.45 and 2.85 per cent.
    ["stable_rank_percentage", 2, 3, [1, 3]],
    ["risk", 1000, EVERY, [5]], // weights that are not finite have an infinite risk
    ["risk", 80, 100, [1]], // 50 + 3 · 12.86
    ["no such metric", NONE, EVERY, []],
  ] as [string, number, number, number[]][])("of %s from %f to %f leaves %j", (metric, low, high, wanted) => {
    expect(left(range(metric, low, high))).toEqual(wanted);
  });

  it("holds infinite values at an infinite end, and not below a finite one", () => {
    const infinite = LAYERS.map((layer, row) =>
      row === 2 ? { ...layer, values: { ...layer.values, "spectral.condition_number": EVERY } } : layer,
    );
    const store = createStore(new Kernel(infinite));
    store.narrow(range("condition_number", 1e5, EVERY));
    expect(store.matching.value).toEqual([1, 2, 3]);
    store.narrow(range("condition_number", 1e5, 1e300));
    expect(store.matching.value).toEqual([1, 3]);
    store.narrow(range("condition_number", EVERY, EVERY));
    expect(store.matching.value).toEqual([2]);
  });

  it("follows what the scan reports", () => {
    const kernel = new Kernel(LAYERS.map(({ values: _, ...layer }) => ({ ...layer, stage: 0 })));
    const store = createStore(kernel);
    store.narrow(range("condition_number", 1e5, EVERY));
    expect(store.matching.value).toEqual([]);
    kernel.report(LAYERS);
    expect(store.matching.value).toEqual([1, 3]);
  });
});

describe("a field", () => {
  it.each([
    ["family", ["attention"], [1, 3]],
    ["family", ["embedding", "mlp"], [0, 2]],
    ["kind", ["o"], [1, 3]],
    ["kind", ["up", "pos_embed"], [0, 2]],
    ["grade", ["Critical"], [1, 5]],
    ["grade", ["Good", "Excellent"], [0, 2, 3]],
    ["grade", [null], [4, 6]], // one failed, one is still to come
    ["grade", ["Critical", null], [1, 4, 5, 6]],
    // By the document: below 10³ safe, to 10⁴ attention, beyond 10⁵ very high.
    ["class:condition_number", ["very high"], [1, 3]],
    ["class:condition_number", ["safe", "attention"], [0, 2]],
    ["class:condition_number", [null], [4, 5, 6]],
    ["class:sqnr_db", ["high"], [0, 1, 2, 3]], // all below 30 dB
    ["class:sqnr_db", ["medium"], [5]], // 38.1 dB
    ["class:extreme_outlier_percentage", ["friendly"], [3, 5]], // 0.092 and 0 per cent
    ["class:stable_rank_percentage", ["very high"], [0, 1, 2, 3]], // all below 10 per cent
    ["class:no such metric", ["safe"], []],
    ["family", [], []],
  ] as const)("%s of %j leaves %j", (field, values, wanted) => {
    expect(left({ by: "field", field, values })).toEqual(wanted);
  });

  it("of a class follows thresholds that move", () => {
    const store = createStore(new Kernel());
    store.narrow({ by: "field", field: "class:condition_number", values: ["very high"] });
    store.moveThreshold("condition_number", 2, 110_000);
    expect(store.matching.value).toEqual([3]);
  });
});

describe("filters together", () => {
  it("leave what each of them leaves, and the search too", () => {
    const store = createStore(new Kernel());
    store.narrow(range("condition_number", 1000, EVERY)); // 0, 1, 3
    store.narrow({ by: "field", field: "family", values: ["attention", "mlp"] }); // 1, 2, 3
    store.narrow(rows("region", 0, 2, 3, 6));
    expect(store.matching.value).toEqual([3]);
    store.search("h0");
    expect(store.matching.value).toEqual([]);
    store.widen("region");
    expect(store.matching.value).toEqual([1]);
    store.widen("no such key");
    expect(store.matching.value).toEqual([1]);
    store.reset();
    expect([store.matching.value, store.query.value, store.narrowed.value]).toEqual([ALL, "", false]);
  });

  it("of one place replace each other, and of different places do not", () => {
    expect(left(rows("region", 0, 1), rows("region", 1, 2))).toEqual([1, 2]);
    expect(left(rows("region", 0, 1), rows("map", 1, 2), rows("python", 1, 3))).toEqual([1]);
    expect(left(range("condition_number", 0, 100), range("condition_number", 1e5, EVERY))).toEqual([1, 3]);
    expect(left(range("condition_number", 1e5, EVERY), range("sqnr_db", 29, EVERY))).toEqual([3]);
  });

  it("have a key for each place", () => {
    expect([
      keyOf(range("sqnr_db", 0, 1)),
      keyOf({ by: "field", field: "class:sqnr_db", values: [] }),
      keyOf(rows("python")),
    ]).toEqual(["range:sqnr_db", "class:sqnr_db", "python"]);
  });

  it("are all put out by others in their place", () => {
    const store = createStore(new Kernel());
    store.search("attn");
    store.narrow(range("condition_number", 1000, EVERY));
    store.reset(rows("python", 5, 6));
    expect([[...store.filters.value.keys()], store.query.value, store.matching.value]).toEqual([
      ["python"],
      "",
      [5, 6],
    ]);
  });

  it("leave the order of the table as sorted", () => {
    const store = createStore(new Kernel());
    store.sortBy("condition_number"); // 3, 1, 0, 2, then those without
    store.narrow(rows("map", 0, 1, 2, 5));
    expect(store.order.value).toEqual([1, 0, 2, 5]);
  });

  it("of nothing but spaces is none", () => {
    const store = createStore(new Kernel());
    store.search("  ");
    expect([store.narrowed.value, store.matching.value]).toEqual([false, ALL]);
  });
});

it("a value is toggled beside others, and the last one takes the filter with it", () => {
  const store: Store = createStore(new Kernel());
  const seen = ["o", "up", "o", "up"].map((kind) => {
    toggled(store, "kind", kind);
    return [store.matching.value, store.filters.value.size];
  });
  expect(seen).toEqual([
    [[1, 3], 1],
    [[1, 2, 3], 1],
    [[2], 1],
    [ALL, 0],
  ]);
});

describe("the selection that Python sees", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const open = (before?: string[]) => {
    const kernel = new Kernel();
    if (before) kernel.change("selection", before);
    return { kernel, store: createStore(kernel), pause: () => vi.advanceTimersByTime(1000) };
  };

  it("is nothing before anything narrows, and what is left after a pause", () => {
    const { kernel, store, pause } = open();
    pause();
    expect(kernel.saved).toEqual([]);
    store.narrow(range("condition_number", 0, EVERY));
    store.narrow(range("condition_number", 1e5, EVERY)); // as under a brush: only the last counts
    expect(kernel.saved).toEqual([]);
    pause();
    expect(kernel.saved).toEqual([{ selection: names(1, 3) }]);
    store.reset();
    pause();
    expect(kernel.saved.slice(1)).toEqual([{ selection: [] }]);
  });

  it("is of the search too, in the model's order", () => {
    const { kernel, store, pause } = open();
    store.sortBy("condition_number");
    store.search("attention");
    pause();
    expect(kernel.saved).toEqual([{ selection: names(1, 3) }]);
  });

  it("set by Python narrows to those layers in place of all else, and is not echoed", () => {
    const { kernel, store, pause } = open();
    store.search("attn");
    pause();
    kernel.change("selection", [...names(0, 2)]);
    expect([store.matching.value, store.query.value]).toEqual([[0, 2], ""]);
    pause();
    expect(kernel.saved).toEqual([{ selection: names(1, 3) }]); // nothing since
    kernel.change("selection", []);
    expect([store.matching.value, store.narrowed.value]).toEqual([ALL, false]);
    pause();
    expect(kernel.saved).toHaveLength(1);
  });

  it("set by Python to what is left already keeps the filters", () => {
    const { kernel, store, pause } = open();
    store.narrow(range("condition_number", 1e5, EVERY));
    pause();
    kernel.change("selection", names(1, 3));
    expect([...store.filters.value.keys()]).toEqual(["range:condition_number"]);
  });

  it("drops names that there are not, and says so", () => {
    const { kernel, store, pause } = open();
    kernel.change("selection", ["no such layer", ...names(3)]);
    expect(store.matching.value).toEqual([3]);
    pause();
    expect(kernel.saved).toEqual([{ selection: names(3) }]);
  });

  it("of a page opened anew narrows it at once", () => {
    const { kernel, store, pause } = open(names(2, 5));
    expect([store.matching.value, [...store.filters.value.keys()]]).toEqual([[2, 5], ["earlier"]]);
    pause();
    expect(kernel.saved).toEqual([]);
  });

  it("is told at last when the page is closed", () => {
    const { kernel, store } = open();
    store.search("wpe");
    store.close();
    expect(kernel.saved).toEqual([{ selection: names(0) }]);
  });
});
