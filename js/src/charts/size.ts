/** How large an element is, kept up to date. */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface Size {
  width: number;
  height: number;
}

export function useSize(ref: RefObject<HTMLElement | null>): ReadonlySignal<Size> {
  const [size] = useState(() => signal<Size>({ width: 0, height: 0 }));
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width !== size.peek().width || height !== size.peek().height) size.value = { width, height };
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref, size]);
  return size;
}
