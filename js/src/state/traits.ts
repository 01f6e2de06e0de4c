/** Traits as signals: what Python sets arrives, and what the page sets leaves, now or a little later. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Model, Traits } from "../wire/model";

/** How long what changes continuously, as under a dragged brush, is held back before Python hears of it. */
const PAUSE = 120; // milliseconds

export class LinkedTraits {
  private readonly stops: (() => void)[] = [];
  private readonly waiting = new Map<keyof Traits, () => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly model: Model) {}

  /** A trait that only Python sets. */
  read<K extends keyof Traits>(key: K): ReadonlySignal<Traits[K]> {
    return this.linked(key);
  }

  /** A trait that both set; the page through `write` or `writeSoon`. */
  linked<K extends keyof Traits>(key: K): Signal<Traits[K]> {
    const value = signal(this.model.get(key));
    this.listen(key, () => {
      value.value = this.model.get(key);
    });
    return value;
  }

  listen(key: keyof Traits, handler: () => void): void {
    this.model.on(`change:${key}`, handler);
    this.stops.push(() => this.model.off(`change:${key}`, handler));
  }

  write(values: Partial<Traits>): void {
    for (const [key, value] of Object.entries(values) as [keyof Traits, never][]) {
      this.waiting.delete(key);
      this.model.set(key, value);
    }
    this.save();
  }

  /** The same, once nothing has changed for a moment. */
  writeSoon<K extends keyof Traits>(key: K, value: () => Traits[K]): void {
    this.waiting.set(key, () => this.model.set(key, value()));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), PAUSE);
  }

  close(): void {
    this.flush();
    for (const stop of this.stops) stop();
  }

  /** Write what is held back. */
  flush(): void {
    clearTimeout(this.timer);
    if (this.waiting.size === 0) return;
    for (const set of this.waiting.values()) set();
    this.waiting.clear();
    this.save();
  }

  private save(): void {
    try {
      this.model.save_changes();
    } catch {
      // A saved page has no kernel to tell.
    }
  }
}
