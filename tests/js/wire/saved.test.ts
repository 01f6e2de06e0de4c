/** A saved dashboard read from its bytes, which the test writes as `saved_page.py` does. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { openSaved } from "../../../js/src/entries";
import { createStore } from "../../../js/src/state/store";
import type { Traits } from "../../../js/src/wire/model";
import { readSaved } from "../../../js/src/wire/saved";
import { Kernel, LAYERS } from "../kernel";

type Type = "f4" | "f8";

/** Bytes as the page holds them: the length of the text, the text, the arrays one after the other. */
class Page {
  private readonly arrays: { offset: number; length: number; type: Type }[] = [];
  private readonly numbers: [Type, number[]][] = [];
  private end = 0;

  put(type: Type, numbers: number[]): number {
    this.arrays.push({ offset: this.end, length: numbers.length, type });
    this.numbers.push([type, numbers]);
    this.end += numbers.length * (type === "f4" ? 4 : 8);
    return this.arrays.length - 1;
  }

  bytes(content: object): ArrayBuffer {
    const text = new TextEncoder().encode(JSON.stringify({ ...content, arrays: this.arrays }));
    const whole = new ArrayBuffer(4 + text.length + this.end);
    const view = new DataView(whole);
    view.setUint32(0, text.length, true);
    new Uint8Array(whole).set(text, 4);
    let at = 4 + text.length;
    for (const [type, numbers] of this.numbers)
      for (const number of numbers) {
        if (type === "f4") view.setFloat32(at, number, true);
        else view.setFloat64(at, number, true);
        at += type === "f4" ? 4 : 8;
      }
    return whole;
  }
}

const kernel = new Kernel();
const COLUMNS = ["stage", "spectral.condition_number", "parameters"];
// Two numbers that a float32 cannot hold, and the two that it makes of them.
const NUMBERS = [2, 2, 103109.8046875123, Number.NaN, 589824, Number.POSITIVE_INFINITY];
const SPECTRUM = [26.685930252075195, 0.1];
const ADVICE = { topic: "training", action: "watch", message: "advice.model.x", evidence: { total: 2 }, layers: [] };
const RANKS = { said: [["plans.ranks", { targets: 2 }]], peft: "config" };
const [FIRST, SECOND] = ["transformer.h.0.attn.c_proj", "constructor"];

/** Two layers: one with a histogram and a spectrum, and one, of a name that every object knows, with neither. */
function saved({ comment = "", extra = {} as Partial<Traits> } = {}): ArrayBuffer {
  const page = new Page();
  page.put("f4", [7]); // so that what follows starts where no float64 could
  const data = page.put("f8", NUMBERS);
  const advice = page.put("f8", [Number.NaN, 3]);
  const counts = page.put("f8", [1, 20, 300]);
  const spectrum = page.put("f4", SPECTRUM);
  const catalog = kernel.get("_catalog");
  const two = <T>(all: T[]): T[] => [all[1], all[4]] as T[];
  return page.bytes({
    comment,
    state: {
      selected: FIRST,
      compared: [FIRST],
      selection: [],
      height: null,
      theme: "dark",
      language: "en",
      thresholds: { ...kernel.get("thresholds"), sqnr_db: [45, 35] },
      _view: { energy: 0.5 },
      _board: "scan",
      _texts: kernel.get("_texts"),
      _catalog: {
        ...catalog,
        model: "模型",
        names: [FIRST, SECOND],
        labels: two(catalog.labels),
        kinds: two(catalog.kinds),
        families: two(catalog.families),
        stacks: ["", ""],
        shapes: two(catalog.shapes),
        dtypes: two(catalog.dtypes),
      },
      _table: {
        columns: COLUMNS,
        data,
        errors: {},
        progress: { state: "done", done: 2, total: 2, fraction: 1, seconds_left: null, message: "" },
      },
      _advice: { columns: ["training"], data: advice, models: [[ADVICE]] },
      _plans: { "0/ranks": RANKS },
      ...extra,
    },
    details: { [FIRST]: { histogram: { low: -1, high: 2, counts }, spectrum } },
  });
}

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const numbersOf = (view: DataView): number[] =>
  Array.from({ length: view.byteLength / 8 }, (_, at) => view.getFloat64(8 * at, true));

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a saved page", () => {
  it("has the traits as they were, and says that it is saved", () => {
    const model = readSaved(saved());
    expect([model.get("selected"), model.get("theme"), model.get("_view")]).toEqual([FIRST, "dark", { energy: 0.5 }]);
    expect(model.get("thresholds").sqnr_db).toEqual([45, 35]);
    expect(model.get("_catalog").model).toBe("模型");
    expect(model.get("_saved")).toBe(true);
    expect(numbersOf(model.get("_table").data)).toEqual(NUMBERS); // to the last bit, NaN and infinity too
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])("is read wherever its arrays begin (%i letters on)", (letters) => {
    const store = createStore(readSaved(saved({ comment: "x".repeat(letters) })));
    expect([...store.column("condition_number")]).toEqual([103109.8046875123, Number.NaN]);
    expect([...store.column("parameters")]).toEqual([589824, Number.POSITIVE_INFINITY]);
  });

  it("takes what is set, without a kernel to save it", () => {
    const model = readSaved(saved());
    model.set("selected", SECOND);
    model.save_changes();
    expect(model.get("selected")).toBe(SECOND);
  });
});

describe("its answers", () => {
  const ask = async (message: object) => {
    const model = readSaved(saved());
    const heard: { message: Record<string, unknown>; buffers: DataView[] }[] = [];
    model.on("msg:custom", (reply: never, buffers: never) => heard.push({ message: reply, buffers }));
    model.send(message);
    expect(heard).toEqual([]); // not before the question is asked
    await later();
    return heard;
  };

  it("are details as a kernel sends them, as float64 whatever they were saved as", async () => {
    const [reply, ...others] = await ask({ type: "request", id: 7, method: "details", keys: [FIRST, SECOND] });
    expect(reply?.message).toEqual({
      type: "reply",
      id: 7,
      result: {
        layers: [
          { key: FIRST, histogram: { low: -1, high: 2, counts: 0 }, spectrum: 1 },
          { key: SECOND, histogram: null, spectrum: null },
        ],
      },
    });
    expect(reply?.buffers.map(numbersOf)).toEqual([
      [1, 20, 300],
      [26.685930252075195, 0.10000000149011612], // the first is a float32 already; the second is a tenth as one
    ]);
    expect(others).toEqual([]);
  });

  it("to layers that there are not are nothing", async () => {
    const [reply] = await ask({ type: "request", id: 1, method: "details", keys: ["no such layer"] });
    expect(reply?.message).toMatchObject({
      result: { layers: [{ key: "no such layer", histogram: null, spectrum: null }] },
    });
  });

  it.each(["cancel", "page", "no such thing"])("to %j are that there is no kernel", async (method) => {
    const [reply] = await ask({ type: "request", id: 3, method });
    expect(reply?.message).toEqual({ type: "reply", id: 3, error: "A saved page has no kernel." });
  });

  it("are heard no more by who stopped listening", async () => {
    const model = readSaved(saved());
    const heard = vi.fn();
    model.on("msg:custom", heard);
    model.off("msg:custom", heard);
    model.send({ type: "request", id: 1, method: "details", keys: [] });
    await later();
    expect(heard).not.toHaveBeenCalled();
  });
});

describe("the dashboard on it", () => {
  it("shows what is selected, and compares and narrows", async () => {
    const store = createStore(readSaved(saved()));
    await later();
    expect(store.selected.value).toBe(0);
    expect(store.detail.value).toEqual({
      histogram: { low: -1, high: 2, counts: new Float64Array([1, 20, 300]) },
      spectrum: new Float64Array([26.685930252075195, 0.10000000149011612]),
      stage: 2,
      problem: null,
    });
    expect(store.advice.value.columns.value("training", 1)).toBe(3);
    expect(store.advice.value.model).toEqual([ADVICE]);
    expect(store.planOf("ranks")).toEqual(RANKS);
    expect(store.planOf("int8_channel")).toBeUndefined();
    store.compare(1);
    store.search("attn");
    store.moveThreshold("sqnr_db", 0, 50);
    expect([store.compared.value, store.matching.value, store.thresholds.value.sqnr_db]).toEqual([
      [0, 1],
      [0],
      [50, 35],
    ]);
    store.close();
  });

  it("opens narrowed where it was", () => {
    const store = createStore(readSaved(saved({ extra: { selection: [SECOND] } })));
    expect(store.matching.value).toEqual([1]);
  });

  it("does not offer to be saved again, as one with a kernel does", () => {
    expect(createStore(readSaved(saved())).page).toBeNull();
    expect(createStore(new Kernel()).page).not.toBeNull();
  });

  it("stands on a page", async () => {
    vi.stubGlobal(
      "ResizeObserver",
      class {
        observe() {}
        disconnect() {}
      },
    );
    const root = document.createElement("div");
    document.body.replaceChildren(root);
    openSaved(root, readSaved(saved()));
    await later();
    expect(root.querySelector(".wsw-dashboard")).not.toBeNull();
    expect(root.textContent).toContain(LAYERS[1]?.label);
  });
});
