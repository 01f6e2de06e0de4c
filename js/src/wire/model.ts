/** The traits as the page sees them, mirroring `weightscope_widget/dashboard/board.py`. */

import type { Wire } from "./requests";

/** Which dashboard is drawn. */
export type BoardKind = "scan" | "diff" | "evolution";
export type Theme = "auto" | "light" | "dark";
/** A language of `data/text`, such as `"zh"`. */
export type Language = string;
/** A language that the page speaks, or the browser's. */
/** A language, or `"auto"` for the browser's. */
export type LanguageChoice = string;
/** Messages by key, in groups; a message with plurals is a group of its categories. */
export interface Messages {
  [key: string]: string | Messages;
}

/** What is known before anything is measured; one entry per layer in each list. */
export interface Catalog {
  model: string;
  methods: string[];
  names: string[];
  labels: string[];
  kinds: string[];
  families: Family[];
  stacks: string[];
  shapes: string[];
  dtypes: string[];
  /** Rows whose first axis counts matrices, as that of fused experts does. */
  stacked: number[];
  /** Rows that are known to be of no linear layer. */
  not_linear: number[];
  /** Of a comparison: what `comparison.status` counts. */
  statuses?: string[];
  aliases: Record<string, string[]>;
  skipped: Record<string, string>;
}

export type Family = "attention" | "mlp" | "embedding" | "other";

export interface Thresholds {
  condition_number: [number, number, number];
  sqnr_db: [number, number];
  extreme_outlier_percentage: [number, number, number];
  stable_rank_percentage: [number, number, number, number];
}

export interface Progress {
  state: "running" | "done" | "cancelled" | "failed";
  done: number;
  total: number;
  /** Share of the work, 0–1. */
  fraction: number;
  seconds_left: number | null;
  message: string;
}

/** The numbers as they travel: columns of float64, one after the other. */
export interface EncodedTable {
  columns: string[];
  data: DataView;
  errors: Record<string, string>;
  progress: Progress;
  /** Of a comparison: what kind of change it is, once something is known. */
  pattern?: Partial<Record<Language, string>> | null;
  /** Of an evolution: whose columns follow each other in `data`, with the layers that failed there. */
  checkpoints?: { name: string; errors: Record<string, string> }[];
}

/** Advice as it travels: columns of float64 as those of the table, and a list for the model; of each checkpoint in turn. */
export interface EncodedAdvice {
  columns?: string[];
  data?: DataView;
  models?: ModelAdvice[][];
}

export interface ModelAdvice {
  topic: string;
  action: string;
  /** The key of its sentence, whose arguments are the evidence. */
  message: string;
  evidence: Record<string, number | null>;
  layers: string[];
}

/** A quantization plan or LoRA ranks: sentences as keys with arguments, and code; null where a tool has no such thing. */
export interface Plan {
  said: [key: string, args: Record<string, string | number>][];
  bitsandbytes?: string | null;
  llm_compressor?: string | null;
  peft?: string | null;
}

/** How the page is arranged, remembered with the notebook. */
export interface ViewState {
  /** The quantization scheme that SQNR is of. */
  scheme: string;
  /** Share of the squared singular values that a truncation keeps, 0–1. */
  energy: number;
  /** Whether the values of a Gaussian matrix of each layer's shape are drawn. */
  random: boolean;
  /** What colours the layer map. */
  mapMetric: string;
  /** What the lines over checkpoints are of, and whether there is one for each layer or for each family. */
  linesMetric: string;
  linesBy: "layer" | "family";
  /** The panels shown, in order; null for the usual ones. */
  panels: string[] | null;
}

// A type, not an interface: only type aliases satisfy anywidget's index signature.
export type Traits = {
  selected: string | null;
  compared: string[];
  selection: string[];
  /** Of an evolution: the checkpoint that is drawn. */
  checkpoint?: string;
  thresholds: Thresholds;
  height: number | string | null;
  theme: Theme;
  language: LanguageChoice;
  _board: BoardKind;
  /** Of `"auto"` both languages, else one. */
  _texts: Partial<Record<Language, Messages>>;
  _catalog: Catalog;
  _table: EncodedTable;
  _advice: EncodedAdvice;
  /** By the place of the checkpoint, a slash, and a scheme or `ranks`. */
  _plans: Record<string, Plan>;
  _kept: EncodedKept;
  _view: Partial<ViewState>;
  /** Whether this is a saved page, which has no kernel. */
  _saved?: boolean;
};

export enum Stage {
  Waiting = 0,
  Partial = 1,
  Done = 2,
  Failed = 3,
}

/** Copy a float64 array out of a message, whose bytes may start anywhere in its buffer. */
export function decodeFloat64(view: DataView): Float64Array {
  return new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer);
}

/** What a record holds under a layer's name, which may be one that every object knows, such as `constructor`. */
export function own<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The layers' numbers by column. */
export class Table {
  readonly errors: Record<string, string>;
  readonly progress: Progress;
  readonly pattern: Partial<Record<Language, string>> | null;
  private readonly columns = new Map<string, Float64Array>();

  constructor(
    encoded: EncodedTable,
    readonly rows: number,
  ) {
    this.errors = encoded.errors;
    this.progress = encoded.progress;
    this.pattern = encoded.pattern ?? null;
    const values = decodeFloat64(encoded.data);
    encoded.columns.forEach((name, index) => {
      this.columns.set(name, values.subarray(index * rows, (index + 1) * rows));
    });
  }

  /** A whole column; NaN throughout where there is none. */
  column(name: string): Float64Array {
    const found = this.columns.get(name);
    if (found) return found;
    return new Float64Array(this.rows).fill(Number.NaN);
  }

  get names(): string[] {
    return [...this.columns.keys()];
  }

  has(column: string): boolean {
    return this.columns.has(column);
  }

  /** The value, or NaN where it does not exist or is not known yet. */
  value(column: string, row: number): number {
    return this.columns.get(column)?.[row] ?? Number.NaN;
  }

  stage(row: number): Stage {
    return this.value("stage", row);
  }
}

/** The tables of all checkpoints; of a single model one. */
export function tablesOf(encoded: EncodedTable, rows: number): Table[] {
  const { checkpoints, columns, data } = encoded;
  if (!checkpoints) return [new Table(encoded, rows)];
  const size = 8 * columns.length * rows;
  return checkpoints.map(
    ({ errors }, at) =>
      new Table({ ...encoded, errors, data: new DataView(data.buffer, data.byteOffset + at * size, size) }, rows),
  );
}

/** Of an array, where it begins among the bytes, how long it is, and what its numbers are. */
export interface Place {
  offset: number;
  length: number;
  type: "f4" | "f8";
}

/** As a trait has it; empty where nothing is kept. */
export interface EncodedKept {
  layers?: Record<string, Record<string, unknown>>;
  arrays?: Place[];
  data?: DataView;
}

/** The part of anywidget's model that the store uses. */
export interface Model extends Wire {
  get<K extends keyof Traits>(key: K): Traits[K];
  set<K extends keyof Traits>(key: K, value: Traits[K]): void;
  save_changes(): void;
  on(event: `change:${keyof Traits}`, handler: () => void): void;
  on(event: "msg:custom", handler: (message: unknown, buffers: DataView[]) => void): void;
  off(event: `change:${keyof Traits}`, handler: () => void): void;
  off(event: "msg:custom", handler: (message: unknown, buffers: DataView[]) => void): void;
}
