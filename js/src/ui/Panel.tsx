/** The frame all panels share: a title and its explanation, a remark, controls. */

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { named } from "../text/messages";
import { Explain } from "./Explain";
import { type Format, SaveMenu } from "./SaveMenu";

interface Props {
  name: string;
  aside?: ComponentChildren;
  controls?: ComponentChildren;
  /** What it can be saved as; without any there is no menu. */
  formats?: Format[];
  children: ComponentChildren;
}

const PICTURES: Format[] = ["svg", "png"];

export function Panel({ name, aside, controls, formats = PICTURES, children }: Props) {
  const root = useRef<HTMLElement>(null);
  const title = named("page.panelTitles", name);
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
