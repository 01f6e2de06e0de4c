/** What every panel is given, without passing it through each component between. */

import type { ReadonlySignal } from "@preact/signals";
import { type ComponentChildren, createContext, type FunctionComponent } from "preact";
import { useContext } from "preact/hooks";
import type { Scheme } from "../theme/palette";
import type { BoardKind } from "../wire/model";
import type { SortColumn } from "./sort";
import type { Store } from "./store";

export interface PanelEntry {
  /** Its name in the stylesheet, in the texts, and in what is remembered. */
  id: string;
  Component: FunctionComponent;
}

/** A column of the table. */
export interface TableColumn {
  id: SortColumn;
  numeric: boolean;
  /** Its width, and that in a narrow layout, which leaves out columns without one. */
  wide: string;
  narrow?: string | undefined;
  cell(store: Store, row: number): ComponentChildren;
}

/** What a kind of dashboard is made of. */
export interface Board {
  kind: BoardKind;
  panels: readonly PanelEntry[];
  /** Those shown until a person chooses. */
  usual: readonly string[];
  /** The columns of the table, where they are not the usual ones. */
  columns?: readonly TableColumn[];
  /** What stands under the header. */
  Headline?: FunctionComponent;
}

export interface View {
  store: Store;
  scheme: ReadonlySignal<Scheme>;
  board: Board;
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("a panel is used outside a dashboard");
  return view;
}
