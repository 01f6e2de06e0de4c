/** What both the page and Python set: layers compared, thresholds, the view; held back, clamped, never echoed. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_THRESHOLDS } from "../../../js/src/domain/assessment";
import { createStore } from "../../../js/src/state/store";
import { LinkedTraits } from "../../../js/src/state/traits";
import { Kernel, LAYERS } from "../kernel";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const pause = () => vi.advanceTimersByTime(1000);
const open = (kernel = new Kernel()) => ({ kernel, store: createStore(kernel) });
const names = (...rows: number[]): string[] => rows.map((row) => LAYERS[row]?.name as string);
const name = (row: number): string => names(row)[0] as string;

describe("layers compared", () => {
  it("come one after the other, the last of them selected, and go again", () => {
    const { kernel, store } = open();
    for (const row of [1, 3, 2]) store.compare(row);
    expect([store.compared.value, store.selected.value]).toEqual([[1, 3, 2], 2]);
    expect(kernel.saved.at(-1)).toEqual({ selected: name(2), compared: names(1, 3, 2) });
    store.compare(3); // not the selected one, which stays
    expect([store.compared.value, store.selected.value]).toEqual([[1, 2], 2]);
    expect(kernel.saved.at(-1)).toEqual({ compared: names(1, 2) });
    store.compare(2); // the selected one: the last of the others takes its place
    expect([store.compared.value, store.selected.value]).toEqual([[1], 1]);
    store.compare(1);
    expect([store.compared.value, store.selected.value]).toEqual([[], null]);
    expect(kernel.saved.at(-1)).toEqual({ selected: null, compared: [] });
  });

  it("are six at most: the seventh replaces the oldest", () => {
    const { kernel, store } = open();
    for (const row of [0, 1, 2, 3, 4, 5]) store.compare(row);
    expect(store.compared.value).toEqual([0, 1, 2, 3, 4, 5]);
    store.compare(6);
    expect([store.compared.value, store.selected.value]).toEqual([[1, 2, 3, 4, 5, 6], 6]);
    expect(kernel.saved.at(-1)).toEqual({ selected: name(6), compared: names(1, 2, 3, 4, 5, 6) });
  });

  it("are left alone with one that is selected, and gone with none", () => {
    const { kernel, store } = open();
    for (const row of [0, 1, 2]) store.compare(row);
    store.select(1);
    expect([store.compared.value, store.selected.value]).toEqual([[1], 1]);
    store.compare(2);
    store.select(null);
    expect([store.compared.value, store.selected.value]).toEqual([[], null]);
    store.compare(99); // no such layer
    expect([kernel.saved.length, store.compared.value]).toEqual([6, []]);
  });

  it("that Python lists are shown as it says, without an answer", () => {
    const { kernel, store } = open();
    kernel.change("compared", names(3, 0));
    kernel.change("selected", name(3));
    expect([store.compared.value, store.selected.value]).toEqual([[3, 0], 3]);
    kernel.change("selected", name(5)); // the list that goes with it comes after it
    expect([store.compared.value, store.selected.value]).toEqual([[5], 5]);
    expect(kernel.saved).toEqual([]);
  });

  it("that there are not are passed over", () => {
    const { kernel, store } = open();
    kernel.change("compared", [name(1), "no such layer", name(2)]);
    expect(store.compared.value).toEqual([1, 2]);
  });

  it("are not told twice", () => {
    const { kernel, store } = open();
    store.select(2);
    store.select(2);
    kernel.change("selected", name(2));
    kernel.change("compared", names(2));
    expect(kernel.saved).toHaveLength(1);
  });
});

describe("thresholds", () => {
  it.each([
    ["condition_number", 1, 20_000, [1e3, 20_000, 1e5]],
    ["condition_number", 1, 500, [1e3, 1e3, 1e5]],
    ["condition_number", 1, 1e9, [1e3, 1e5, 1e5]],
    ["condition_number", 0, 1e-9, [1e-9, 1e4, 1e5]], // nothing below the first
    ["condition_number", 2, 1e30, [1e3, 1e4, 1e30]], // nor above the last
    ["sqnr_db", 0, 45, [45, 30]], // these descend
    ["sqnr_db", 0, 10, [30, 30]],
    ["sqnr_db", 1, 50, [40, 40]],
    ["sqnr_db", 1, -5, [40, -5]],
    ["extreme_outlier_percentage", 0, 5, [1, 1, 10]],
    ["stable_rank_percentage", 2, 0, [10, 30, 30, 70]],
    ["stable_rank_percentage", 3, 99.5, [10, 30, 50, 99.5]],
  ] as const)("of %s, number %i to %f, go as far as their neighbours let them: %j", (metric, index, level, levels) => {
    const { kernel, store } = open();
    store.moveThreshold(metric, index, level);
    expect(store.thresholds.value).toEqual({ ...DEFAULT_THRESHOLDS, [metric]: levels });
    pause();
    expect(kernel.saved).toEqual([{ thresholds: { ...DEFAULT_THRESHOLDS, [metric]: levels } }]);
  });

  it("are written once, after a pause, as they were at last", () => {
    const { kernel, store } = open();
    for (const level of [39, 38, 37]) {
      store.moveThreshold("sqnr_db", 0, level);
      vi.advanceTimersByTime(50);
    }
    store.moveThreshold("condition_number", 0, 2000);
    expect(kernel.saved).toEqual([]);
    pause();
    expect(kernel.saved).toEqual([
      { thresholds: { ...DEFAULT_THRESHOLDS, sqnr_db: [37, 30], condition_number: [2000, 1e4, 1e5] } },
    ]);
    pause();
    expect(kernel.saved).toHaveLength(1);
  });

  it("that do not move are not written", () => {
    const { kernel, store } = open();
    store.moveThreshold("sqnr_db", 0, 40);
    store.moveThreshold("sqnr_db", 1, 30);
    pause();
    expect([kernel.saved, store.moved.value]).toEqual([[], false]);
  });

  it("go back one by one", () => {
    const { kernel, store } = open();
    store.moveThreshold("condition_number", 0, 5000);
    store.moveThreshold("condition_number", 1, 50_000);
    expect(store.moved.value).toBe(true);
    store.resetThresholds("condition_number", 1);
    expect(store.thresholds.value.condition_number).toEqual([5000, 1e4, 1e5]);
    store.resetThresholds("condition_number", 0);
    expect([store.thresholds.value, store.moved.value]).toEqual([DEFAULT_THRESHOLDS, false]);
    pause();
    expect(kernel.saved).toEqual([{ thresholds: DEFAULT_THRESHOLDS }]);
  });

  it("stay in order where a neighbour was moved beyond one that goes back", () => {
    const { store } = open();
    store.moveThreshold("condition_number", 1, 90_000);
    store.moveThreshold("condition_number", 0, 80_000);
    store.resetThresholds("condition_number", 1); // 10,000, below the 80,000 of the first
    expect(store.thresholds.value.condition_number).toEqual([1e4, 8e4, 1e5]);
    store.moveThreshold("sqnr_db", 1, 20);
    store.moveThreshold("sqnr_db", 0, 25);
    store.resetThresholds("sqnr_db", 1); // 30, above the 25
    expect(store.thresholds.value.sqnr_db).toEqual([30, 25]);
  });

  it("go back all at once", () => {
    const { kernel, store } = open();
    store.moveThreshold("sqnr_db", 0, 35);
    store.moveThreshold("stable_rank_percentage", 0, 5);
    store.resetThresholds();
    expect([store.thresholds.value, store.moved.value]).toEqual([DEFAULT_THRESHOLDS, false]);
    pause();
    expect(kernel.saved).toEqual([{ thresholds: DEFAULT_THRESHOLDS }]);
  });

  it("set by Python are in force and not sent back", () => {
    const { kernel, store } = open();
    kernel.change("thresholds", { ...DEFAULT_THRESHOLDS, sqnr_db: [50, 20] });
    expect([store.thresholds.value.sqnr_db, store.moved.value]).toEqual([[50, 20], true]);
    pause();
    expect(kernel.saved).toEqual([]);
  });
});

describe("the view", () => {
  it("is the usual one, with what was chosen in its place", () => {
    const kernel = new Kernel();
    kernel.change("_view", { energy: 0.5 });
    expect(createStore(kernel).view.value).toEqual({
      scheme: "int8_tensor",
      energy: 0.5,
      random: false,
      mapMetric: "condition_number",
      linesMetric: "relative_change_to_first",
      linesBy: "layer",
      panels: null,
    });
  });

  it("is written at once, what is dragged after a pause, and holds only what was chosen", () => {
    const { kernel, store } = open();
    store.setView({ scheme: "fp8_e4m3" });
    store.setView({ energy: 0.95 });
    store.setView({ energy: 0.99 });
    expect(kernel.saved).toEqual([{ _view: { scheme: "fp8_e4m3" } }]);
    pause();
    expect(kernel.saved.slice(1)).toEqual([{ _view: { scheme: "fp8_e4m3", energy: 0.99 } }]);
    expect(store.scheme.value).toBe("fp8_e4m3");
  });
});

describe("what is held back", () => {
  it("goes together with whatever else waits, after the last of it", () => {
    const { kernel, store } = open();
    store.setView({ energy: 0.95 });
    vi.advanceTimersByTime(100);
    store.moveThreshold("sqnr_db", 0, 35);
    vi.advanceTimersByTime(100); // 200 after the first, but 100 after the second
    expect(kernel.saved).toEqual([]);
    pause();
    expect(kernel.saved).toEqual([
      { _view: { energy: 0.95 }, thresholds: { ...DEFAULT_THRESHOLDS, sqnr_db: [35, 30] } },
    ]);
  });

  it("is not written again where the same was written meanwhile", () => {
    const kernel = new Kernel();
    const traits = new LinkedTraits(kernel);
    traits.writeSoon("compared", () => ["late"]);
    traits.write({ compared: ["now"] });
    pause();
    expect(kernel.saved).toEqual([{ compared: ["now"] }]);
  });

  it("is written when the page closes, and nothing is heard of afterwards", () => {
    const { kernel, store } = open();
    store.setView({ energy: 0.95 });
    store.close();
    expect([kernel.saved, kernel.listeners]).toEqual([[{ _view: { energy: 0.95 } }], 0]);
    pause();
    expect(kernel.saved).toHaveLength(1);
  });

  it("may fail to be saved where there is no kernel", () => {
    const { kernel, store } = open();
    vi.spyOn(kernel, "save_changes").mockImplementation(() => {
      throw new Error("no kernel");
    });
    store.select(1);
    store.setView({ energy: 0.95 });
    pause();
    expect([store.selected.value, store.view.value.energy]).toEqual([1, 0.95]);
  });
});
