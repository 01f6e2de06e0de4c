import { describe, expect, it } from "vitest";
import { createStore } from "../../../js/src/state/store";
import type { EncodedKept } from "../../../js/src/wire/model";
import { Kernel, LAYERS } from "../kernel";

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const [FIRST, SECOND] = LAYERS.map(({ name }) => name) as [string, string];

/** Two float32 counts and three float64 singular values, at an odd place in a larger buffer. */
function kept(): EncodedKept {
  const data = new DataView(new ArrayBuffer(5 + 8 + 24), 5);
  [3, 16_777_216].forEach((count, index) => void data.setFloat32(4 * index, count, true));
  [1e300, 2.5, 1e-300].forEach((value, index) => void data.setFloat64(8 + 8 * index, value, true));
  return {
    layers: { [FIRST]: { key: FIRST, histogram: { low: -1, high: 2, counts: 0 }, spectrum: 1 } },
    arrays: [
      { offset: 0, length: 2, type: "f4" },
      { offset: 8, length: 3, type: "f8" },
    ],
    data,
  };
}

describe("what is kept of single layers", () => {
  it("is drawn without asking a kernel, which may be gone", async () => {
    const kernel = new Kernel(LAYERS.slice(0, 2));
    kernel.prompt = false;
    kernel.change("_kept", kept());
    const store = createStore(kernel);
    store.select(0);
    await later();
    expect(store.detail.value).toMatchObject({
      histogram: { low: -1, high: 2, counts: new Float64Array([3, 16_777_216]) },
      spectrum: new Float64Array([1e300, 2.5, 1e-300]),
      stage: 2,
      problem: null,
    });
  });

  it("leaves the rest to the kernel", async () => {
    const kernel = new Kernel(LAYERS.slice(0, 2));
    kernel.change("_kept", kept());
    const store = createStore(kernel);
    store.select(1);
    await later();
    expect(kernel.sent.flatMap(({ keys }) => keys)).toEqual([SECOND]);
    expect(store.detail.value?.stage).toBe(2);
  });

  it("comes with the end of a scan, for what was not fetched until then", async () => {
    const kernel = new Kernel(LAYERS.slice(0, 2).map((layer) => ({ ...layer, stage: 0 })));
    const store = createStore(kernel);
    await later();
    kernel.change("_kept", kept());
    kernel.report(LAYERS.slice(0, 2), { state: "done" });
    await later();
    expect(kernel.sent.flatMap(({ keys }) => keys)).toEqual([SECOND]);
    store.select(0);
    expect(store.detail.value?.histogram?.counts).toEqual(new Float64Array([3, 16_777_216]));
  });

  it("that makes no sense is a problem that can be told", async () => {
    const kernel = new Kernel(LAYERS.slice(0, 1));
    kernel.change("_kept", { ...kept(), arrays: [] });
    const store = createStore(kernel);
    store.select(0);
    await later();
    expect(store.detail.value?.problem).toMatch(/\w/);
  });
});
