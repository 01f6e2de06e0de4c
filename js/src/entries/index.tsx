/** The widget: one store per widget, one page per view, for every kind of dashboard. */

import type { AnyModel } from "@anywidget/types";
import { render as renderPreact } from "preact";
import { BOARDS } from "../page/boards";
import { Dashboard } from "../page/Dashboard";
import { createStore, type Store } from "../state/store";
import { watchScheme } from "../theme/scheme";
import styles from "../theme/styles";
import type { Model, Traits } from "../wire/model";
import type { SavedModel } from "../wire/saved";

export { readSaved } from "../wire/saved";

/** Made by anywidget for each widget. */
export default function widget() {
  let store: Store;
  return {
    initialize({ model }: { model: AnyModel<Traits> }): () => void {
      // Here and not in `render`: the views of one widget share what was fetched.
      store = createStore(model as unknown as Model);
      return () => store.close();
    },

    render({ model, el }: { model: AnyModel<Traits>; el: HTMLElement }): () => void {
      const style = document.createElement("style");
      style.textContent = styles;
      const root = document.createElement("div");
      root.className = "wsw-root";
      el.append(style, root);

      const [scheme, stop] = watchScheme(store.theme);
      renderPreact(<Dashboard view={{ store, scheme, board: BOARDS[model.get("_board")] }} />, root);

      return () => {
        stop();
        renderPreact(null, root);
        style.remove();
        root.remove();
      };
    },
  };
}

/** Show a saved dashboard on a page without a kernel. */
export function openSaved(el: HTMLElement, saved: SavedModel): void {
  const model = saved as unknown as AnyModel<Traits>;
  const { initialize, render } = widget();
  initialize({ model });
  render({ model, el });
}
