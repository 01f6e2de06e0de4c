/** Mounts parts of the dashboard on a page, at a size: happy-dom lays nothing out, so it has none of its own. */

import { signal } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { act } from "preact/test-utils";
import { vi } from "vitest";
import { SCAN } from "../../js/src/page/boards";
import { type Board, ViewContext } from "../../js/src/state/context";
import { createStore, type Store } from "../../js/src/state/store";
import { Kernel } from "./kernel";

const WIDTH = 600;
const HEIGHT = 300;

class Observer {
  constructor(private readonly callback: () => void) {}
  observe(): void {
    this.callback();
  }
  disconnect(): void {}
}

export interface Mounted {
  kernel: Kernel;
  store: Store;
  root: HTMLElement;
  /** Do something and wait until the page shows what became of it. */
  after(work: () => void): Promise<void>;
  texts(selector: string): string[];
  find<E extends Element = HTMLElement>(selector: string): E;
}

/** A page that shows a part of the dashboard of a kernel. */
export async function mount(Part: ComponentType, kernel = new Kernel(), board: Board = SCAN): Promise<Mounted> {
  vi.stubGlobal("ResizeObserver", Observer);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(WIDTH);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(HEIGHT);
  const store = createStore(kernel);
  const root = document.createElement("div");
  document.body.replaceChildren(root);
  const settle = () => new Promise<void>((resolve) => setTimeout(resolve));
  const after = (work: () => void) =>
    act(async () => {
      work();
      await settle();
    });
  await after(() => {
    render(
      <ViewContext.Provider value={{ store, scheme: signal("light"), board }}>
        <Part />
      </ViewContext.Provider>,
      root,
    );
  });
  return {
    kernel,
    store,
    root,
    after,
    texts: (selector) => [...root.querySelectorAll(selector)].map(({ textContent }) => textContent ?? ""),
    find: (selector) => {
      const found = root.querySelector(selector);
      if (!found) throw new Error(`nothing on the page is ${selector}`);
      return found as never;
    },
  };
}

export const press = (element: Element, key: string): void => {
  element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
};
