/** A list that scrolls, of which only what is in view is drawn. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useMemo } from "preact/hooks";

export interface Scroll {
  /** Pixels above the view. */
  top: ReadonlySignal<number>;
  onScroll(): void;
  /** Bring what reaches from `start` to `end` into a view of `room` pixels. */
  reveal(start: number, end: number, room: number): void;
}

export function useScroll(ref: RefObject<HTMLElement | null>): Scroll {
  return useMemo(() => {
    const top = signal(0);
    let own: number | null = null; // where this put it, which needs no asking
    return {
      top,
      onScroll: () => {
        if (own !== null) own = null;
        else top.value = ref.current?.scrollTop ?? 0;
      },
      reveal: (start, end, room) => {
        const now = top.peek();
        const wanted = start < now ? start : end > now + room ? end - room : now;
        if (wanted === now || room <= 0) return;
        top.value = wanted;
        // With the next frame: asked at once, the page would have to be laid out here and again after what follows.
        requestAnimationFrame(() => {
          const element = ref.current;
          if (!element || top.peek() !== wanted) return;
          own = wanted;
          element.scrollTop = wanted;
          if (element.scrollTop !== wanted) {
            own = null;
            top.value = element.scrollTop;
          }
        });
      },
    };
  }, [ref]);
}
