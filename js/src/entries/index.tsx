/** The widget: one store per widget, one page per view, for every kind of dashboard. */

import type { AnyModel } from "@anywidget/types";
import { signal } from "@preact/signals";
import { render as renderPreact } from "preact";
import { BOARDS } from "../page/boards";
import { Dashboard } from "../page/Dashboard";
import { createStore, type Store } from "../state/store";
import { detectLanguage, language, texts } from "../text/messages";
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

      const height = signal(model.get("height"));
      const updateHeight = (): void => {
        height.value = model.get("height");
      };
      const updateLanguage = (): void => {
        texts.value = model.get("_texts");
        language.value = detectLanguage(model.get("language"));
      };
      updateLanguage();
      const watcher = watchScheme(() => model.get("theme"));
      model.on("change:height", updateHeight);
      model.on("change:theme", watcher.update);
      model.on("change:language", updateLanguage);
      model.on("change:_texts", updateLanguage);
      const board = BOARDS[model.get("_board")];
      renderPreact(<Dashboard view={{ store, scheme: watcher.scheme, board }} height={height} />, root);

      return () => {
        model.off("change:height", updateHeight);
        model.off("change:theme", watcher.update);
        model.off("change:language", updateLanguage);
        model.off("change:_texts", updateLanguage);
        watcher.stop();
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
