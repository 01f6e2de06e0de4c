/** The frame all panels share: a title, what explains it, a remark beside it, controls at the end. */

import type { ComponentChildren } from "preact";
import { Explain } from "../Explain";

interface Props {
  name: string;
  title: string;
  aside?: ComponentChildren;
  controls?: ComponentChildren;
  children: ComponentChildren;
}

export function Panel({ name, title, aside, controls, children }: Props) {
  return (
    <section class={`wsw-panel wsw-${name}`} aria-label={title}>
      <header class="wsw-panel-header">
        <h3>{title}</h3>
        <Explain name={name} title={title} />
        {aside && <div class="wsw-aside">{aside}</div>}
        {controls && <div class="wsw-controls">{controls}</div>}
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
