import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createStore } from "../../../js/src/state/store";
import { Kernel, LAYERS, type Layer } from "../kernel";

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** A kernel that leaves its one layer's first request to the test. */
function open() {
  const kernel = new Kernel(LAYERS.slice(0, 1));
  kernel.prompt = false;
  const store = createStore(kernel);
  store.select(0);
  return { kernel, store };
}

describe("an answer that makes no sense", () => {
  const histogram = { low: 0, high: 1, counts: 0 };
  const layer = (parts: object) => ({ layers: [{ name: LAYERS[0]?.name, histogram: null, spectrum: null, ...parts }] });

  it.each([
    ["without its arrays", layer({ histogram }), []],
    ["with another array than the one it speaks of", layer({ spectrum: 3 }), [new DataView(new ArrayBuffer(8))]],
    ["with an array cut short", layer({ spectrum: 0 }), [new DataView(new ArrayBuffer(12))]],
    ["without layers", {}, []],
    ["of nothing", null, []],
  ])("%s is a problem that can be told, and asked again", async (_, result, buffers) => {
    const { kernel, store } = open();
    kernel.answer({ type: "reply", id: kernel.sent[0]?.id, result }, buffers);
    await later();
    expect(store.detail.value).toMatchObject({ histogram: null, spectrum: null, stage: -1 });
    expect(store.detail.value?.problem).toMatch(/\w/);
    kernel.prompt = true;
    store.retryDetail();
    await later();
    expect(store.detail.value?.spectrum).toEqual(new Float64Array([9, 4, 1, 0.25]));
  });

  it.each([
    ["a message of another kind", { type: "custom", id: 1, result: layer({}) }],
    ["an answer to nobody", { type: "reply", id: 99, result: layer({}) }],
    ["an answer without a number", { type: "reply", result: layer({}) }],
  ])("is not %s", async (_, message) => {
    const { kernel, store } = open();
    kernel.answer(message, []);
    await later();
    expect(store.detail.value?.stage).toBe(-1);
    kernel.reply(kernel.sent[0] as never);
    await later();
    expect(store.detail.value).toMatchObject({ stage: 2, problem: null });
  });
});

describe("a kernel that does not answer", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is given half a minute", async () => {
    const { store } = open();
    await vi.advanceTimersByTimeAsync(29_999);
    expect(store.detail.value?.problem).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(store.detail.value?.problem).toBe("no answer");
  });
});

describe("fetching ahead", () => {
  const large = (count: number): Layer[] =>
    Array.from({ length: count }, (_, row) => ({ name: `layers.${row}`, spectrum: Array<number>(125_001).fill(1) }));

  it("stops at sixteen megabytes, and a click goes on", async () => {
    const kernel = new Kernel(large(40));
    const store = createStore(kernel);
    await later();
    expect(kernel.sent.map(({ keys }) => keys?.length)).toEqual([16]);
    store.select(39);
    await later();
    expect(kernel.sent[1]?.keys).toEqual(["layers.39"]);
    expect(store.detail.value?.spectrum).toHaveLength(125_001);
  });

  it("takes what is finished, and what finishes later", async () => {
    const kernel = new Kernel(LAYERS.map((layer, row) => ({ ...layer, stage: row % 3 })));
    createStore(kernel);
    await later();
    expect(kernel.sent.flatMap(({ keys }) => keys)).toEqual([2, 5].map((row) => LAYERS[row]?.name));
    kernel.report(LAYERS.map((layer, row) => ({ ...layer, stage: row < 4 ? 2 : row % 3 })));
    await later();
    expect(kernel.sent.slice(1).flatMap(({ keys }) => keys)).toEqual([0, 1, 3].map((row) => LAYERS[row]?.name));
  });

  it("waits for the next results after an error, instead of hammering", async () => {
    const kernel = new Kernel(LAYERS.slice(0, 2));
    kernel.prompt = false;
    createStore(kernel);
    kernel.reply(kernel.sent[0] as never, "The kernel is busy.");
    await later();
    expect(kernel.sent).toHaveLength(1);
    kernel.report(LAYERS.slice(0, 2));
    expect(kernel.sent).toHaveLength(2);
  });
});
