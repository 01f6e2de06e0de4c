/** The frame all panels share: a title, what explains it, a remark beside it, controls at the end. */

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { Explain } from "./Explain";
import { type Format, SaveMenu } from "./SaveMenu";

interface Props {
  name: string;
  title: string;
  aside?: ComponentChildren;
  controls?: ComponentChildren;
  /** What it can be saved as; without any there is no menu. */
  formats?: Format[];
  children: ComponentChildren;
}

const PICTURES: Format[] = ["svg", "png"];

export function Panel({ name, title, aside, controls, formats = PICTURES, children }: Props) {
  const root = useRef<HTMLElement>(null);
  return (
    <section ref={root} class={`wsw-panel wsw-${name}`} aria-label={title}>
      <header class="wsw-panel-header">
        <h3>{title}</h3>
        <Explain name={name} title={title} />
        {aside && <div class="wsw-aside">{aside}</div>}
        <div class="wsw-controls">
          {controls}
          {formats.length > 0 && <SaveMenu panel={root} title={title} formats={formats} />}
        </div>
      </header>
      {children}
    </section>
  );
}

/** What a panel says where it has nothing to draw. */
export function Empty({ children }: { children: ComponentChildren }) {
  return (
    <div class="wsw-empty">
      <p>{children}</p>
    </div>
  );
}
