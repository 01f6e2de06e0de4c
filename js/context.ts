/** What every panel is given, without passing it through each component between. */

import type { ReadonlySignal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Scheme } from "./palette";
import type { Store } from "./store";

export interface View {
  store: Store;
  scheme: ReadonlySignal<Scheme>;
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("a panel is used outside a dashboard");
  return view;
}
