/** Layers as the cases that Python and the page share describe them: a catalogue, a table, spectra. */

import { readFileSync } from "node:fs";
import { type Catalog, type Family, Stage, Table, type Thresholds } from "../../js/src/wire/model";

export interface SharedLayer {
  name: string;
  kind: string;
  family: Family;
  shape: number[];
  dtype?: string;
  aliases?: string[];
  members?: number;
  linear?: boolean;
  values?: Record<string, number | string>;
  baseline?: Record<string, number>;
  spectrum?: (number | string | [number, number])[] | null;
  error?: string;
}

export interface SharedCase {
  title: string;
  thresholds?: Partial<Thresholds>;
  layers: SharedLayer[];
}

export const THRESHOLDS: Thresholds = {
  condition_number: [1e3, 1e4, 1e5],
  sqnr_db: [40, 30],
  extreme_outlier_percentage: [0.1, 1, 10],
  stable_rank_percentage: [10, 30, 50, 70],
};

export const read = (name: string) => JSON.parse(readFileSync(`tests/fixtures/${name}`, "utf8"));

export function modelOf({ layers, thresholds }: SharedCase) {
  const column = <T>(of: (layer: SharedLayer) => T): T[] => layers.map(of);
  const catalog: Catalog = {
    model: "a model",
    methods: [],
    names: column(({ name }) => name),
    labels: column(({ name }) => name),
    kinds: column(({ kind }) => kind),
    families: column(({ family }) => family),
    stacks: column(() => ""),
    shapes: column(({ shape }) => shape.join(" × ")),
    dtypes: column(({ dtype }) => dtype ?? "float32"),
    stacked: [],
    not_linear: layers.flatMap(({ linear }, row) => (linear === false ? [row] : [])),
    aliases: Object.fromEntries(layers.map(({ name, aliases }) => [name, aliases ?? []])),
    skipped: {},
  };
  const rows = layers.map(({ error, shape, values = {}, baseline = {} }) => ({
    stage: error === undefined ? Stage.Done : Stage.Failed,
    parameters: shape.reduce((product, side) => product * side, 1),
    "basic_stats.std": error === undefined ? 1 : Number.NaN,
    ...Object.fromEntries(Object.entries(baseline).map(([metric, value]) => [`baseline.${metric}`, value])),
    ...Object.fromEntries(Object.entries(values).map(([metric, value]) => [metric, Number(value)])),
  })) as Record<string, number>[];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const numbers = new Float64Array(columns.flatMap((name) => rows.map((row) => row[name] ?? Number.NaN)));
  const errors = Object.fromEntries(layers.flatMap(({ name, error }) => (error ? [[name, error]] : [])));
  const progress = { state: "done", done: 1, total: 1, fraction: 1, seconds_left: null, message: "" } as const;
  const table = new Table({ columns, data: new DataView(numbers.buffer), errors, progress }, layers.length);
  const spectra = new Map(layers.map(({ name, spectrum }) => [name, spectrum ? spectrumOf(spectrum) : null]));
  return {
    catalog,
    table,
    thresholds: { ...THRESHOLDS, ...thresholds },
    spectrumOf: (name: string) => spectra.get(name) ?? null,
  };
}

/** Singular values, of which [count, value] are several alike. */
export function spectrumOf(values: NonNullable<SharedLayer["spectrum"]>): Float64Array {
  const all = values.flatMap((value) =>
    Array.isArray(value) ? Array.from({ length: value[0] }, () => value[1]) : [Number(value)],
  );
  return new Float64Array(all);
}
