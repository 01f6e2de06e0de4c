/** What is out of sight follows when the browser has time, so that what is looked at follows at once. */

import { effect, type ReadonlySignal, signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo } from "preact/hooks";

/** Whether an element is on the screen; true where the browser cannot tell. */
export function useInView(ref: RefObject<Element | null>): ReadonlySignal<boolean> {
  const inView = useMemo(() => signal(typeof IntersectionObserver === "undefined"), []);
  useEffect(() => {
    if (!ref.current || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver((entries) => {
      inView.value = entries.at(-1)?.isIntersecting ?? true;
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref, inView]);
  return inView;
}

/** A signal that follows another once what it changes elsewhere is painted: marks first, then what takes longer. */
export function useAfterPaint<T>(source: ReadonlySignal<T>): ReadonlySignal<T> {
  const late = useMemo(() => signal(source.peek()), [source]);
  useEffect(() => {
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = effect(() => {
      const value = source.value;
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      // A browser without idle time to give cannot tell when it has painted either.
      if (typeof requestIdleCallback === "undefined") late.value = value;
      else
        frame = requestAnimationFrame(() => {
          timer = setTimeout(() => {
            late.value = value;
          });
        });
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [source, late]);
  return late;
}

const LATEST = 300; // milliseconds

/** A signal that follows another at once while an element is in view, and a little later while it is not. */
export function useLate<T>(source: ReadonlySignal<T>, ref: RefObject<Element | null>): ReadonlySignal<T> {
  const inView = useInView(ref);
  const late = useMemo(() => signal(source.peek()), [source]);
  useEffect(() => {
    let request = 0;
    const stop = effect(() => {
      const value = source.value;
      if (request) cancelIdleCallback(request);
      request = 0;
      if (inView.value || typeof requestIdleCallback === "undefined") late.value = value;
      else
        request = requestIdleCallback(
          () => {
            late.value = value;
          },
          { timeout: LATEST },
        );
    });
    return () => {
      stop();
      if (request) cancelIdleCallback(request);
    };
  }, [source, inView, late]);
  return late;
}
