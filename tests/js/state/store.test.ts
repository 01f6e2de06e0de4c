import { describe, expect, it } from "vitest";
import { sortRows } from "../../../js/src/state/sort";
import { createStore } from "../../../js/src/state/store";
import { Kernel, LAYERS } from "../kernel";

const open = (...parts: ConstructorParameters<typeof Kernel>) => {
  const kernel = new Kernel(...parts);
  return { kernel, store: createStore(kernel) };
};
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe("judgements", () => {
  it("follow the document for measured layers, and call neither a failed nor a coming layer healthy", () => {
    const { store } = open();
    expect(store.judgements.value.map(({ grade }) => grade)).toEqual([
      "Good",
      "Critical",
      "Excellent",
      "Good",
      null,
      "Critical",
      null,
    ]);
  });

  it("follow thresholds that the kernel moves", () => {
    const { kernel, store } = open();
    kernel.change("thresholds", { ...kernel.get("thresholds"), condition_number: [1, 10, 1000] });
    expect(store.judgements.value[2]).toEqual({ grade: "Excellent", risk: 25 + 3 * 0.15000237358940954 });
  });
});

describe("selection", () => {
  it("goes to the kernel once, and comes from it", () => {
    const { kernel, store } = open();
    store.select(1);
    store.select(1);
    const name = "transformer.h.0.attn.c_proj";
    expect(kernel.saved).toEqual([{ selected: name, compared: [name] }]);
    kernel.change("selected", "transformer.h.0.mlp.c_fc");
    expect(store.selected.value).toBe(2);
    expect(store.compared.value).toEqual([2]);
    kernel.change("selected", null);
    expect(store.selected.value).toBeNull();
    expect(kernel.saved).toHaveLength(1); // what Python set is not sent back
  });

  it("walks in the table's order and stops at its ends", () => {
    const { store } = open();
    store.sortBy("condition_number"); // 3, 1, 0, 2, then those without
    const walked = (["first", 1, 1, 1, -1, "last", 1] as const).map((steps) => {
      store.walk(steps);
      return store.selected.value;
    });
    expect(walked).toEqual([3, 1, 0, 2, 0, 6, 6]);
  });

  it("begins at the near end where nothing is selected, and keeps to what the search leaves", () => {
    const { store } = open();
    store.search("attention");
    store.walk(-1);
    expect(store.selected.value).toBe(3);
    store.walk(-10);
    expect(store.selected.value).toBe(1);
  });
});

describe("search", () => {
  it.each([
    ["", [0, 1, 2, 3, 4, 5, 6]],
    ["ATTN", [1, 3]],
    ["mlp 3072", [2]],
    ["h9 o", [3]],
    ["nothing like it", []],
    ["<img", [6]],
  ])("%j leaves %j", (query, rows) => {
    const { store } = open();
    store.search(query);
    expect(store.matching.value).toEqual(rows);
  });
});

describe("sorting", () => {
  it("puts layers without a value last, whichever way", () => {
    const key = (row: number) => [2, Number.NaN, 3, 1, Number.NaN][row] as number;
    expect(sortRows([0, 1, 2, 3, 4], key, false)).toEqual([3, 0, 2, 1, 4]);
    expect(sortRows([0, 1, 2, 3, 4], key, true)).toEqual([2, 0, 3, 1, 4]);
  });

  it("starts with what is worst, and turns round at the second click", () => {
    const { store } = open();
    store.sortBy("risk");
    expect(store.order.value.slice(0, 3)).toEqual([5, 1, 3]); // infinite, 88.57, 50.28
    store.sortBy("risk");
    expect(store.order.value.slice(0, 1)).toEqual([2]);
    store.sortBy("sqnr_db");
    expect(store.sort.value).toEqual({ column: "sqnr_db", descending: false });
  });
});

describe("details", () => {
  it("of a click are here when they were fetched ahead", async () => {
    const { kernel, store } = open();
    await later();
    const asked = kernel.sent.length;
    store.select(1);
    expect(store.detail.value?.spectrum).toEqual(new Float64Array([9, 4, 1, 0.25]));
    expect(store.detail.value?.histogram).toEqual({ low: -1, high: 1, counts: new Float64Array([1, 20, 300, 20, 2]) });
    expect(kernel.sent).toHaveLength(asked);
  });

  it("are asked for once per layer, and again when more of it was computed", async () => {
    const begun = LAYERS.map((layer) => ({ ...layer, stage: 1, spectrum: undefined }));
    const { kernel, store } = open(begun);
    store.select(1);
    await later();
    kernel.report(begun);
    await later();
    expect(kernel.sent.map(({ keys }) => keys)).toEqual([["transformer.h.0.attn.c_proj"]]);
    expect(store.detail.value?.spectrum).toBeNull();
    kernel.report(LAYERS);
    await later();
    expect(store.detail.value?.spectrum).toHaveLength(4);
  });

  it("that an earlier question brings late do not replace those of a later one", async () => {
    const begun = LAYERS.slice(0, 1).map((layer) => ({ ...layer, stage: 1, spectrum: undefined }));
    const { kernel, store } = open(begun);
    kernel.prompt = false;
    store.select(0);
    kernel.report(LAYERS.slice(0, 1));
    const [first, second] = kernel.sent;
    kernel.reply(second as never);
    kernel.layers = begun;
    kernel.reply(first as never);
    await later();
    expect(store.detail.value?.spectrum).toHaveLength(4);
  });

  it("that cannot be had say why, and can be asked for again", async () => {
    const kernel = new Kernel(LAYERS.slice(0, 1));
    kernel.prompt = false;
    const store = createStore(kernel);
    store.select(0);
    kernel.reply(kernel.sent[0] as never, "The file is gone.");
    await later();
    expect(store.detail.value?.problem).toBe("The file is gone.");
    kernel.prompt = true;
    store.retryDetail();
    await later();
    expect(store.detail.value).toMatchObject({ problem: null, stage: 2 });
  });

  it("are asked for in small batches", async () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ ...(LAYERS[1] as object), name: `layer.${index}` }));
    const { kernel } = open(many);
    await later();
    expect(kernel.sent.map(({ keys }) => keys?.length)).toEqual([16, 16, 8]);
  });
});

it("asks the kernel to cancel", () => {
  const { kernel, store } = open();
  store.cancelScan();
  expect(kernel.sent.at(-1)).toMatchObject({ type: "request", method: "cancel" });
});

it("lets go of the kernel when it is closed", () => {
  const { kernel, store } = open();
  expect(kernel.listeners).toBeGreaterThan(0);
  store.close();
  expect(kernel.listeners).toBe(0);
});
