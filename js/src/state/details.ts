/** Histograms and spectra of layers: fetched when wanted, and ahead of time while that is cheap. */

import { type Signal, signal } from "@preact/signals";
import { type Kept, withArrays } from "../wire/kept";
import { decodeFloat64, Stage } from "../wire/model";
import { NoAnswer, type Requests } from "../wire/requests";

export interface Histogram {
  low: number;
  high: number;
  counts: Float64Array;
}

export interface Drawn {
  histogram: Histogram | null;
  /** Descending. */
  spectrum: Float64Array | null;
}

export interface Detail extends Drawn {
  /** Of a comparison: the base, and what was added to it; what stands above is then the tuned side. */
  base?: Drawn;
  delta?: Drawn;
  /** |cos| between left singular vectors, the base's down, row by row. */
  overlap?: { size: number; cells: Float64Array } | null;
  /** For the tuned matrix's strongest left singular vectors, the largest |cos| with any of the base's. */
  nearest?: Float64Array | null;
  /** How far the layer was when this was fetched; -1 before anything was. */
  stage: Stage | -1;
  /** Why there is nothing, where asking failed. */
  problem: "no answer" | string | null;
}

/** As `Detail`, with arrays as their places among the buffers. */
interface Document {
  layers: ({ key: string } & Record<string, unknown>)[];
}

const NOTHING: Detail = { histogram: null, spectrum: null, stage: -1, problem: null };

/** What the page may hold before anyone asked for it. */
const PREFETCH_BYTES = 16e6;
const BATCH = 16;

export class Details {
  private readonly known = new Map<string, Signal<Detail>>();
  /** The stage at which each layer was last asked for. */
  private readonly asked = new Map<string, Stage>();
  private bytes = 0;
  private prefetching = false;
  private candidates: { key: string; stage: Stage }[] = [];

  constructor(
    private readonly requests: Requests,
    private readonly kept: () => Kept,
  ) {}

  get(key: string): Detail {
    return this.slot(key).value;
  }

  /** Fetch a layer's details, unless they are here or on their way as of this stage. */
  want(key: string, stage: Stage, again = false): void {
    if (stage === Stage.Waiting || (!again && this.asked.get(key) === stage)) return;
    void this.load([{ key, stage }]);
  }

  /** Fetch what finished layers have, a few at a time, as long as it is little. */
  prefetch(layers: { key: string; stage: Stage }[]): void {
    this.candidates = layers.filter(({ stage }) => stage === Stage.Done || stage === Stage.Failed);
    if (!this.prefetching) void this.work();
  }

  private async work(): Promise<void> {
    this.prefetching = true;
    try {
      while (this.bytes < PREFETCH_BYTES) {
        const next = this.candidates.filter(({ key, stage }) => this.asked.get(key) !== stage).slice(0, BATCH);
        if (next.length === 0 || !(await this.load(next))) return;
      }
    } finally {
      this.prefetching = false;
    }
  }

  private async load(wanted: { key: string; stage: Stage }[]): Promise<boolean> {
    for (const { key, stage } of wanted) this.asked.set(key, stage);
    try {
      const layers = wanted.filter(({ key, stage }) => !this.recall(key, stage));
      if (layers.length === 0) return true;
      const { result, buffers } = await this.requests.ask<Document>("details", {
        keys: layers.map(({ key }) => key),
      });
      const array = (index: number): Float64Array => {
        const view = buffers[index] as DataView;
        this.bytes += view.byteLength;
        return decodeFloat64(view);
      };
      result.layers.forEach(({ key, ...said }, index) => {
        const slot = this.slot(key);
        const fetched = layers[index]?.stage ?? -1;
        if (fetched < slot.peek().stage) return; // a later answer is here already
        slot.value = { ...(withArrays(said, array) as Drawn), stage: fetched, problem: null };
      });
      return true;
    } catch (error) {
      for (const { key } of wanted) {
        this.asked.delete(key);
        const slot = this.slot(key);
        const problem = error instanceof NoAnswer ? "no answer" : (error as Error).message;
        slot.value = { ...slot.peek(), problem };
      }
      return false;
    }
  }

  /** Take what is kept of a layer; whether there is something. */
  private recall(key: string, stage: Stage): boolean {
    const kept = this.kept();
    const said = kept.said(key);
    if (!said) return false;
    const array = (index: number): Float64Array => {
      const view = kept.array(index);
      this.bytes += view.byteLength;
      return decodeFloat64(view);
    };
    this.slot(key).value = { ...(withArrays(said, array) as Drawn), stage, problem: null };
    return true;
  }

  private slot(key: string): Signal<Detail> {
    let slot = this.known.get(key);
    if (!slot) {
      slot = signal(NOTHING);
      this.known.set(key, slot);
    }
    return slot;
  }
}
