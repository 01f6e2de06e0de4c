/** What lies over a chart and takes the pointer and the keys: hover, select, compare, brush. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useView } from "../state/context";
import { walkKeys } from "../state/keys";
import { LayerTooltip } from "./LayerTooltip";
import type { Size } from "./size";

export type Corner = readonly [number, number];

/** A drag across the chart: told as it grows, and at its end; a click is none. */
export interface Drag {
  moved(path: readonly Corner[]): void;
  ended(path: readonly Corner[]): void;
}

interface Props {
  label: string;
  size: Size;
  /** The layer at a place, if there is one. */
  rowAt(x: number, y: number): number | null;
  /** Where a layer is, for its tooltip. */
  placeOf(row: number): Corner | null;
  /** What the chart is of, for the tooltip. */
  metric?: string;
  drag?: Drag | null;
  /** Act on a key that only this chart knows; whether it was one. */
  onKey?(event: KeyboardEvent): boolean;
  /** A click where there is no layer. */
  onMiss?(place: Corner): void;
  /** The pointer has gone. */
  onLeave?(): void;
  /** Gives the element away, for those that listen to more. */
  elementRef?(element: HTMLElement | null): void;
}

const CLICK = 4; // pixels that a click may wander

export function Surface({ label, size, rowAt, placeOf, metric, drag, onKey, onMiss, onLeave, elementRef }: Props) {
  const { store } = useView();
  const pointing = useSignal(false); // whether the hover comes from here: only then it has a tooltip
  const path = useRef<Corner[] | null>(null);
  const dragged = useRef(false);

  const at = (event: MouseEvent): Corner => {
    const bounds = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  const far = ([x, y]: Corner, [u, v]: Corner): boolean => Math.hypot(x - u, y - v) > CLICK;

  const drop = (): void => {
    const corners = path.current;
    path.current = null;
    if (corners && drag && dragged.current) drag.ended(corners);
  };

  const hovered = store.hovered.value;
  const place = pointing.value && hovered !== null ? placeOf(hovered) : null;
  return (
    <>
      <div
        ref={elementRef ?? null}
        class="wsw-surface"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a chart that arrow keys walk is interactive
        tabIndex={0}
        aria-label={label}
        onPointerDown={(event) => {
          dragged.current = false;
          if (event.button !== 0 || !drag) return;
          path.current = [at(event)];
          event.currentTarget.setPointerCapture?.(event.pointerId);
        }}
        onPointerMove={(event) => {
          const here = at(event);
          const corners = path.current;
          if (corners && drag && event.buttons) {
            const [start] = corners;
            dragged.current ||= far(start as Corner, here);
            if (!dragged.current) return;
            corners.push(here);
            drag.moved(corners);
            return;
          }
          pointing.value = !event.buttons;
          if (!event.buttons) store.hover(rowAt(...here));
        }}
        onPointerUp={drop}
        onPointerCancel={drop} // a drag that the system takes away has got as far as it has
        onPointerLeave={() => {
          pointing.value = false;
          store.hover(null);
          onLeave?.();
        }}
        onClick={(event) => {
          if (dragged.current) return;
          const row = rowAt(...at(event));
          if (row === null) onMiss?.(at(event));
          else if (event.ctrlKey || event.metaKey || event.shiftKey) store.compare(row);
          else store.select(row);
        }}
        onKeyDown={(event) => {
          if (onKey?.(event)) {
            event.preventDefault();
            event.stopPropagation();
          } else walkKeys(store, event);
        }}
      />
      {place && hovered !== null && <LayerTooltip row={hovered} place={place} size={size} metric={metric} />}
    </>
  );
}
