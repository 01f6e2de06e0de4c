/** What plans and advice ask of the layers, read off the catalogue and the table. */

import type { Catalog, Table } from "../../wire/model";
import { own } from "../../wire/model";

export interface LayerFacts {
  row: number;
  name: string;
  kind: string;
  embedding: boolean;
  /** Whether it is known to be of no linear layer: a bare parameter, or a module of another kind. */
  notLinear: boolean;
  /** As stored; null where unknown. */
  shape: number[] | null;
  dtype: string;
  aliases: string[];
  /** Rows of the single matrices of a stack of experts. */
  members: number[];
  /** Whether this is one matrix of a stack. */
  member: boolean;
}

/** The singular values of a layer, descending; null where they are not here. */
export type SpectrumOf = (name: string) => Float64Array | null;

const remembered = new WeakMap<Catalog, LayerFacts[]>();

/** Every layer; the single matrices of a stack are those of its name with an index in brackets. */
export function layersOf(catalog: Catalog): LayerFacts[] {
  const facts = remembered.get(catalog) ?? readLayers(catalog);
  remembered.set(catalog, facts);
  return facts;
}

function readLayers(catalog: Catalog): LayerFacts[] {
  const rows = new Map(catalog.names.map((name, row) => [name, row]));
  const notLinear = new Set(catalog.not_linear);
  const facts = catalog.names.map((name, row): LayerFacts => {
    const shape = shapeOf(catalog.shapes[row] ?? "");
    return {
      row,
      name,
      kind: catalog.kinds[row] ?? "other",
      embedding: catalog.families[row] === "embedding" || catalog.kinds[row] === "rel_pos",
      notLinear: notLinear.has(row),
      shape,
      dtype: catalog.dtypes[row] ?? "",
      aliases: own(catalog.aliases, name) ?? [],
      members: membersOf(name, shape, rows),
      member: false,
    };
  });
  for (const { members } of facts) for (const row of members) (facts[row] as LayerFacts).member = true;
  return facts;
}

function shapeOf(written: string): number[] | null {
  const sides = written.split(" × ").map(Number);
  return written === "" || sides.some((side) => !Number.isInteger(side)) ? null : sides;
}

function membersOf(name: string, shape: number[] | null, rows: Map<string, number>): number[] {
  if (shape?.length !== 3) return [];
  const members = Array.from({ length: shape[0] as number }, (_, index) => rows.get(`${name}[${index}]`));
  return members.every((row) => row !== undefined) ? members : [];
}

/** Whether it is a vector, of which plans and advice have nothing to say. */
export const isVector = ({ shape }: LayerFacts): boolean => shape !== null && shape.length < 2;

/** Number of weights; NaN where unknown. */
export const parametersOf = (table: Table, { row }: LayerFacts): number => table.value("parameters", row);

const ranks = new WeakMap<Float64Array, Map<number, number | null>>();

/** The smallest k whose k largest singular values hold this share of Σσ²; null where there is no such thing. */
export function energyRank(sigma: Float64Array, energy: number): number | null {
  const known = ranks.get(sigma) ?? new Map<number, number | null>();
  ranks.set(sigma, known);
  let rank = known.get(energy);
  if (rank === undefined) {
    rank = countRank(sigma, energy);
    known.set(energy, rank);
  }
  return rank;
}

function countRank(sigma: Float64Array, energy: number): number | null {
  const largest = sigma[0];
  if (largest === undefined || !(largest > 0) || !sigma.every(Number.isFinite)) return null;
  let sum = 0;
  // In units of the largest, whose square may be no double.
  const held = sigma.map((value) => {
    sum += (value / largest) ** 2;
    return sum;
  });
  return 1 + held.findIndex((share) => share >= energy * sum);
}
