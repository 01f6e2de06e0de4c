/** A button that tells of a metric or a chart what it is, why it matters and when it misleads. */

import { signal } from "@preact/signals";
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { explanationOf } from "../text/explain";
import { say } from "../text/messages";

const GAP = 4; // pixels between the button and its card
const EDGE = 8; // and between the card and the window's edge

// Ids are the document's, which several widgets share, each with its own copy of this module.
const PREFIX = `wsw-explain-${Math.random().toString(36).slice(2, 10)}`;
let made = 0;

/** The card that is open: one at a time, whichever view it belongs to. */
const opened = signal<string | null>(null);

interface Props {
  /** What is explained, as results and panels name it; without an explanation there is no button. */
  name: string;
  title: string;
  /** What the button shows; without it, a question mark. */
  children?: ComponentChildren;
}

export function Explain({ name, title, children }: Props) {
  const id = useMemo(() => `${PREFIX}-${made++}`, []);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(
    () => () => {
      if (opened.peek() === id) opened.value = null;
    },
    [id],
  );
  const explanation = explanationOf(name);
  if (!explanation) return <>{children}</>;
  const open = opened.value === id;
  const worded = children !== undefined;
  return (
    <>
      <button
        type="button"
        ref={button}
        class={worded ? "wsw-explained" : "wsw-explain"}
        // A button that shows the title is named by it, as is the row or column that it heads.
        aria-label={worded ? undefined : say("page.about", { title })}
        title={worded ? undefined : say("page.about", { title })}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => {
          opened.value = open ? null : id;
        }}
      >
        {children}
      </button>
      {open && <Card id={id} title={title} explanation={explanation} button={button} />}
    </>
  );
}

interface CardProps {
  id: string;
  title: string;
  explanation: NonNullable<ReturnType<typeof explanationOf>>;
  button: RefObject<HTMLButtonElement | null>;
}

function Card({ id, title, explanation: { what, why, misleads, formula }, button }: CardProps) {
  const card = useRef<HTMLDivElement>(null);

  useLayoutEffect(() => {
    const [anchor, element] = [button.current, card.current];
    if (!anchor || !element) return;
    const close = (): void => {
      if (opened.peek() === id) opened.value = null;
    };
    const within = (event: Event): boolean => {
      const path = event.composedPath();
      return path.includes(anchor) || path.includes(element);
    };
    const place = (): void => {
      // Where an ancestor is what `fixed` refers to, the window's corner lies elsewhere.
      element.style.left = element.style.top = "0px";
      const zero = element.getBoundingClientRect();
      const { clientWidth: width, clientHeight: height } = document.documentElement;
      const [left, top] = placed(anchor.getBoundingClientRect(), zero, { width, height });
      element.style.left = `${left - zero.left}px`;
      element.style.top = `${top - zero.top}px`;
    };
    const onPointerDown = (event: Event): void => {
      if (!within(event)) close();
    };
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      // Before any other meaning of the key, such as clearing the selection.
      event.preventDefault();
      event.stopPropagation();
      close();
      anchor.focus();
    };
    // The Tab key goes on within the dashboard; elsewhere notebooks move the focus as they please.
    const onFocusIn = (event: Event): void => {
      const target = event.composedPath()[0] as Node;
      if (!within(event) && element.closest(".wsw-dashboard")?.contains(target)) close();
    };
    const onScroll = (event: Event): void => {
      if (event.target === element) return;
      const { bottom, top } = anchor.getBoundingClientRect();
      if (bottom < 0 || top > document.documentElement.clientHeight) close();
      else place();
    };
    // Above everything, and clipped by nothing, where the browser can.
    element.showPopover?.();
    place();
    element.focus({ preventScroll: true });
    document.addEventListener("pointerdown", onPointerDown, true);
    document.addEventListener("keydown", onKeyDown, true);
    document.addEventListener("focusin", onFocusIn, true);
    document.addEventListener("scroll", onScroll, true);
    window.addEventListener("resize", place);
    return () => {
      document.removeEventListener("pointerdown", onPointerDown, true);
      document.removeEventListener("keydown", onKeyDown, true);
      document.removeEventListener("focusin", onFocusIn, true);
      document.removeEventListener("scroll", onScroll, true);
      window.removeEventListener("resize", place);
    };
  }, [id, button]);

  return (
    // The empty title keeps those of the elements around from showing over it.
    <div
      ref={card}
      id={id}
      class="wsw-card"
      popover="manual"
      role="dialog"
      aria-labelledby={`${id}-title`}
      title=""
      tabIndex={-1}
    >
      <p class="wsw-card-title" id={`${id}-title`}>
        {title}
      </p>
      {formula && <p class="wsw-formula">{formula}</p>}
      <dl>
        <dt>{say("page.explainParts.what")}</dt>
        <dd>{what}</dd>
        <dt>{say("page.explainParts.why")}</dt>
        <dd>{why}</dd>
        <dt>{say("page.explainParts.misleads")}</dt>
        <dd>{misleads}</dd>
      </dl>
    </div>
  );
}

type Box = Pick<DOMRect, "left" | "top" | "bottom">;
interface Extent {
  width: number;
  height: number;
}

/** Where a card goes in the window: below its button, else above it, else wherever it is in view. */
export function placed(anchor: Box, card: Extent, view: Extent): [left: number, top: number] {
  const inside = (at: number, size: number, room: number): number => Math.max(EDGE, Math.min(at, room - EDGE - size));
  const [below, above] = [anchor.bottom + GAP, anchor.top - GAP - card.height];
  const fits = below + card.height <= view.height - EDGE;
  return [
    inside(anchor.left, card.width, view.width),
    !fits && above >= EDGE ? above : inside(below, card.height, view.height),
  ];
}
