/** The keys that walk the layers, the same wherever the focus is. */

import type { Store } from "./store";

const PAGE = 10;

/** Act on a key that walks the layers or clears the selection; whether it was one. */
export function walkKeys(store: Store, event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  switch (event.key) {
    case "ArrowDown":
    case "ArrowRight":
      store.walk(1);
      break;
    case "ArrowUp":
    case "ArrowLeft":
      store.walk(-1);
      break;
    case "PageDown":
      store.walk(PAGE);
      break;
    case "PageUp":
      store.walk(-PAGE);
      break;
    case "Home":
      store.walk("first");
      break;
    case "End":
      store.walk("last");
      break;
    case "Escape":
      store.select(null);
      break;
    default:
      return false;
  }
  event.preventDefault();
  event.stopPropagation();
  return true;
}
