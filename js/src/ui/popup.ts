/** A menu that opens at a button, and closes with Escape or a press elsewhere. */

import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface Popup {
  open: Signal<boolean>;
  /** What holds the button and the menu. */
  root: RefObject<HTMLDivElement>;
  /** The button, which has the focus again after Escape. */
  opener: RefObject<HTMLButtonElement>;
  onKeyDown(event: KeyboardEvent): void;
}

export function usePopup(): Popup {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null) as RefObject<HTMLDivElement>;
  const opener = useRef<HTMLButtonElement>(null) as RefObject<HTMLButtonElement>;
  useEffect(() => {
    const close = (event: Event): void => {
      if (open.peek() && !event.composedPath().includes(root.current as unknown as EventTarget)) open.value = false;
    };
    document.addEventListener("pointerdown", close, true);
    return () => document.removeEventListener("pointerdown", close, true);
  }, [open]);
  return {
    open,
    root,
    opener,
    onKeyDown: (event) => {
      event.stopPropagation(); // the page's keys are not the menu's
      if (event.key !== "Escape") return;
      open.value = false;
      opener.current?.focus();
    },
  };
}
