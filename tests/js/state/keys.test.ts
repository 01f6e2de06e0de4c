import { describe, expect, it } from "vitest";
import { walkKeys } from "../../../js/src/state/keys";
import { createStore } from "../../../js/src/state/store";
import { Kernel, LAYERS, type Layer } from "../kernel";

const MANY: Layer[] = Array.from({ length: 25 }, (_, row) => ({ ...(LAYERS[2] as Layer), name: `layers.${row}.up` }));

function open(at: number | null) {
  const store = createStore(new Kernel(MANY));
  store.select(at);
  const press = (key: string, held: KeyboardEventInit = {}) => {
    const [notebook, page] = [document.createElement("div"), document.createElement("div")];
    notebook.append(page);
    let [taken, heard] = [false, false];
    page.addEventListener("keydown", (event) => {
      taken = walkKeys(store, event);
    });
    notebook.addEventListener("keydown", () => {
      heard = true;
    });
    const event = new KeyboardEvent("keydown", { key, cancelable: true, bubbles: true, ...held });
    page.dispatchEvent(event);
    return { taken, heard, prevented: event.defaultPrevented, now: store.selected.value };
  };
  return { store, press };
}

describe("a key that walks", () => {
  it.each([
    ["ArrowDown", 7, 8],
    ["ArrowRight", 7, 8],
    ["ArrowUp", 7, 6],
    ["ArrowLeft", 7, 6],
    ["PageDown", 7, 17],
    ["PageDown", 20, 24],
    ["PageUp", 17, 7],
    ["PageUp", 7, 0],
    ["Home", 7, 0],
    ["End", 7, 24],
    ["ArrowDown", 24, 24],
    ["ArrowUp", 0, 0],
    ["ArrowDown", null, 0],
    ["ArrowUp", null, 24],
    ["Escape", 7, null],
    ["Escape", null, null],
  ])("%s goes from %j to %j, and nowhere else", (key, from, to) => {
    expect(open(from).press(key)).toEqual({ taken: true, heard: false, prevented: true, now: to });
  });

  it("stays with the notebook while a modifier is held", () => {
    const { press } = open(7);
    for (const held of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }])
      expect(press("ArrowDown", held)).toEqual({ taken: false, heard: true, prevented: false, now: 7 });
  });

  it.each(["a", "Enter", " ", "Tab", "Delete"])("is not %j", (key) => {
    expect(open(7).press(key)).toEqual({ taken: false, heard: true, prevented: false, now: 7 });
  });

  it("lets go of what the pointer showed", () => {
    const { store, press } = open(7);
    store.hover(3);
    press("ArrowDown");
    expect(store.hovered.value).toBeNull();
  });

  it("leaves the selection where the search leaves nothing", () => {
    const { store, press } = open(7);
    store.search("no such layer");
    expect(press("ArrowDown").now).toBe(7);
  });

  it("still walks a page that has no kernel", () => {
    const kernel = new Kernel(MANY);
    kernel.save_changes = () => {
      throw new Error("Syncing error: no comm channel defined");
    };
    const store = createStore(kernel);
    const event = new KeyboardEvent("keydown", { key: "End", cancelable: true });
    expect(walkKeys(store, event)).toBe(true);
    expect([store.selected.value, event.defaultPrevented]).toEqual([24, true]);
  });
});
