/** A dashboard saved as a page: the same widget on a model without a kernel, which answers from what was saved. */

import { Kept, withArrays } from "./kept";
import type { EncodedAdvice, EncodedKept, EncodedTable, Model, Traits } from "./model";

/** What `weightscope_widget/dashboard/saved_page.py` writes: a JSON text, and the arrays that it names by number. */
interface Saved {
  state: Omit<Traits, "_table" | "_advice"> & { _table: Packed<EncodedTable>; _advice: Packed<EncodedAdvice> };
  details: NonNullable<EncodedKept["layers"]>;
  /** Of each array, where it begins among the bytes after the text. */
  arrays: NonNullable<EncodedKept["arrays"]>;
}

type Packed<T> = Omit<T, "data"> & { data: number };

const NOTHING = { histogram: null, spectrum: null };

type Handler = (...parts: never[]) => void;

export class SavedModel implements Model {
  private readonly traits: Traits;
  private readonly handlers = new Map<string, Set<Handler>>();
  private readonly kept: Kept;

  constructor({ state, details, arrays }: Saved, bytes: ArrayBuffer) {
    const { _table, _advice, ...others } = state;
    this.kept = new Kept({ layers: details, arrays, data: new DataView(bytes) });
    const unpacked = <T extends { data: number }>(columns: T) => ({ ...columns, data: this.kept.array(columns.data) });
    this.traits = { ...others, _table: unpacked(_table), _advice: unpacked(_advice), _kept: {}, _saved: true };
  }

  get<K extends keyof Traits>(key: K): Traits[K] {
    return this.traits[key];
  }

  set<K extends keyof Traits>(key: K, value: Traits[K]): void {
    this.traits[key] = value;
  }

  save_changes(): void {
    // Nobody else is there to hear of it.
  }

  on(event: string, handler: Handler): void {
    this.handlers.set(event, (this.handlers.get(event) ?? new Set()).add(handler));
  }

  off(event: string, handler: Handler): void {
    this.handlers.get(event)?.delete(handler);
  }

  send(message: unknown): void {
    const { id, method, keys } = message as { id: number; method: string; keys?: string[] };
    const buffers: DataView[] = [];
    const put = (array: number): number => buffers.push(this.kept.array(array)) - 1;
    const layers = (keys ?? []).map((key) => ({
      ...(withArrays(this.kept.said(key) ?? NOTHING, put) as object),
      key,
    }));
    const reply =
      method === "details"
        ? { type: "reply", id, result: { layers } }
        : { type: "reply", id, error: "A saved page has no kernel." };
    // As a kernel would: not before the question is asked, and with room for the page to paint between two answers.
    setTimeout(() => {
      for (const handler of this.handlers.get("msg:custom") ?? []) handler(reply as never, buffers as never);
    });
  }
}

/** Read a page's data: the length of the text, the text, and the arrays. */
export function readSaved(data: ArrayBuffer): SavedModel {
  const length = new DataView(data).getUint32(0, true);
  const saved = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length))) as Saved;
  return new SavedModel(saved, data.slice(4 + length));
}
