/** Which layers to quantize and which to keep, and ranks for adapters, as `weightscope_widget/plans` decides. */

import { judge } from "../../domain/assessment";
import { BYTES, bytesIn, SCHEMES, type SchemeName } from "../../domain/schemes";
import { type Catalog, Stage, type Table, type Thresholds } from "../../wire/model";
import { bitsandbytesName, bitsandbytesText, ignorePattern, llmCompressorText, pattern, peftText } from "./code";
import { energyRank, isVector, type LayerFacts, layersOf, parametersOf, type SpectrumOf } from "./layers";

export type Scheme = SchemeName;
export type Reason =
  | "requested"
  | "embedding"
  | "head"
  | "router"
  | "not_linear"
  | "failed"
  | "not_finite"
  | "not_measured"
  | "uneven"
  | "below"
  | "same_module";

/** A scheme as compressed-tensors writes it; null where it does not have it. */
function recipeOf(scheme: Scheme): [string, string | number][] | null {
  const { bits, shared, size } = SCHEMES[scheme];
  if (shared === "block") return null;
  return [
    ["num_bits", bits],
    ["type", scheme === "fp8_e4m3" ? "float" : "int"],
    ["symmetric", "true"],
    ["strategy", shared],
    ...(size ? ([["group_size", size]] as [string, number][]) : []),
  ];
}

const BITSANDBYTES: readonly string[] = ["int8_channel", "nf4_block64"];
const MARGIN = 3;
export interface QuantizationPlan {
  scheme: Scheme;
  minimum: number;
  /** Why each layer that is kept is, in the model's order. */
  reasons: Map<string, Reason>;
  quantized: string[];
  bytesBefore: number | null;
  bytesAfter: number | null;
  /** Of what is quantized, weighted by parameters; NaN where nothing is. */
  meanSqnr: number;
  /** Python, or null where bitsandbytes does not have the scheme. */
  bitsandbytes: string | null;
  /** YAML, or null where compressed-tensors does not have the scheme. */
  llmCompressor: string | null;
}

export function defaultMinimum(scheme: Scheme, thresholds: Thresholds): number {
  const { bits, gaussian } = SCHEMES[scheme];
  // The document's line for INT8 is out of reach of 4 bits, even for weights that could not be better behaved.
  return bits === 8 ? thresholds.sqnr_db[1] : Math.round(100 * (gaussian - MARGIN)) / 100;
}

/** The schemes of which the scan has figures. */
export function schemesOf(table: Table): Scheme[] {
  const has = (scheme: Scheme): boolean =>
    table.has(`schemes.${scheme}_sqnr_db`) || (scheme === "int8_tensor" && table.has("quantization.sqnr_db"));
  return (Object.keys(SCHEMES) as Scheme[]).filter(has);
}

/** Null where no layer's error in the scheme was computed. */
export function quantizationPlan(
  catalog: Catalog,
  table: Table,
  thresholds: Thresholds,
  scheme: Scheme,
  minimum = defaultMinimum(scheme, thresholds),
  requested: readonly string[] = [],
): QuantizationPlan | null {
  const layers = layersOf(catalog);
  const matrices = layers.filter((layer) => !layer.member && !isVector(layer));
  const figures = new Map(matrices.map((layer) => [layer, figureOf(table, layer, scheme)]));
  if ([...figures.values()].every((figure) => figure === null)) return null;

  const asked = (layer: LayerFacts): boolean =>
    [layer.name, ...layer.aliases, ...layer.members.map((row) => catalog.names[row] as string)].some((name) =>
      requested.includes(name),
    );
  const reasons = new Map<string, Reason>();
  for (const [layer, figure] of figures) {
    const reason = asked(layer) ? "requested" : reasonOf(table, thresholds, layer, figure, minimum, scheme);
    if (reason) reasons.set(layer.name, reason);
  }
  const held = (layer: LayerFacts): boolean => layer.members.length > 0 && reasons.has(layer.name);
  const holders = new Set(matrices.filter(held).map((layer) => moduleOf(layer, layer.name)));
  for (const layer of matrices) {
    if (layer.members.length > 0 && holders.has(moduleOf(layer, layer.name)) && !reasons.has(layer.name)) {
      reasons.set(layer.name, "same_module");
    }
  }

  const kept = matrices.filter(({ name }) => reasons.has(name));
  const quantized = matrices.filter(({ name }) => !reasons.has(name));
  const modules = (layer: LayerFacts): string[] => [layer.name, ...layer.aliases].map((name) => moduleOf(layer, name));
  const skip = [...new Set(kept.flatMap(modules))].filter(Boolean);
  // Files leave out a head that is tied to the embedding; without this line it would be quantized after all.
  if (mayTieAHead(matrices) && !skip.some((name) => name.split(".").at(-1) === "lm_head")) skip.push("lm_head");
  const whole = new Set(kept.filter(({ members }) => members.length > 0).flatMap(modules));
  const recipe = recipeOf(scheme);
  return {
    scheme,
    minimum,
    reasons: new Map(kept.map(({ name }) => [name, reasons.get(name) as Reason])),
    quantized: quantized.map(({ name }) => name),
    bytesBefore: bytesOf(table, matrices, [], scheme),
    bytesAfter: bytesOf(table, kept, quantized, scheme),
    meanSqnr: mean(quantized.map((layer) => [parametersOf(table, layer) || 1, figures.get(layer) ?? Number.NaN])),
    bitsandbytes: BITSANDBYTES.includes(scheme) ? bitsandbytesText(scheme, skip.map(bitsandbytesName)) : null,
    llmCompressor:
      recipe &&
      llmCompressorText(
        recipe,
        skip.map((name) => ignorePattern(name, whole.has(name))),
      ),
  };
}

/** A layer's SQNR in a scheme, of a stack the worst of its matrices; null where it was not measured. */
function figureOf(table: Table, { row, members }: LayerFacts, scheme: Scheme): number | null {
  const own = (row: number): number => {
    // Figures are over the finite weights; without one of these two it is not known whether there are others.
    const seen = ["basic_stats.std", "basic_stats.nan_count", "spectral.total_rank"].some(
      (column) => !Number.isNaN(table.value(column, row)),
    );
    if (!seen) return Number.NaN;
    const figure = table.value(`schemes.${scheme}_sqnr_db`, row);
    return Number.isNaN(figure) && scheme === "int8_tensor" ? table.value("quantization.sqnr_db", row) : figure;
  };
  const found = [row, ...members].map(own).filter((figure) => !Number.isNaN(figure));
  return found.length > 0 && measured(table, row) ? Math.min(...found) : null;
}

const measured = (table: Table, row: number): boolean => table.stage(row) !== Stage.Waiting;

function reasonOf(
  table: Table,
  thresholds: Thresholds,
  layer: LayerFacts,
  figure: number | null,
  minimum: number,
  scheme: Scheme,
): Reason | null {
  const { kind, shape, members } = layer;
  if (kind === "head" || kind === "router") return kind;
  if (layer.embedding) return "embedding";
  if (kind === "conv" || (shape !== null && shape.length > 2 && members.length === 0)) return "not_linear";
  const rows = [layer.row, ...members].filter((row) => measured(table, row));
  if (rows.some((row) => table.stage(row) === Stage.Failed)) return "failed";
  if (rows.some((row) => judge(table, row, thresholds).risk === Number.POSITIVE_INFINITY)) return "not_finite";
  if (figure === null) return "not_measured";
  if (figure < minimum) return "below";
  const { shared, size } = SCHEMES[scheme];
  return shared === "group" && (shape?.at(-1) ?? 0) % size !== 0 ? "uneven" : null;
}

/** The module that holds a layer's weights: a stack is a bare parameter of the module of its experts. */
function moduleOf({ members }: LayerFacts, name: string): string {
  const end = name.lastIndexOf(".");
  return members.length > 0 && end > 0 ? name.slice(0, end) : name;
}

function mayTieAHead(matrices: LayerFacts[]): boolean {
  const kinds = new Set(matrices.map(({ kind }) => kind));
  return kinds.has("embed") && !kinds.has("head");
}

function bytesOf(table: Table, kept: LayerFacts[], quantized: LayerFacts[], scheme: Scheme): number | null {
  const sizes = kept.map((layer) => (BYTES.get(layer.dtype) ?? Number.NaN) * parametersOf(table, layer));
  for (const layer of quantized) {
    const [first = Number.NaN, ...others] =
      layer.members.length > 0 ? (layer.shape ?? []).slice(-2) : (layer.shape ?? []);
    const columns = others.reduce((product, side) => product * side, 1);
    const matrices = layer.members.length || 1;
    sizes.push(matrices * bytesIn(SCHEMES[scheme], first, columns));
  }
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  return Number.isNaN(total) ? null : Math.ceil(total);
}

function mean(weighted: [number, number][]): number {
  const finite = weighted.filter(([, figure]) => Number.isFinite(figure));
  const sum = (of: (one: [number, number]) => number): number => finite.reduce((total, one) => total + of(one), 0);
  return sum(([weight, figure]) => weight * figure) / sum(([weight]) => weight);
}

export interface LoraRanks {
  /** Of every matrix whose spectrum is here. */
  ranks: Map<string, number>;
  targets: string[];
  leftOut: string[];
  /** Python, or null where no layer can take an adapter. */
  peft: string | null;
}

/** The rank at which each matrix keeps a share of its energy: what a copy of W needs, not what a fine-tune needs. */
export function loraRanks(
  catalog: Catalog,
  spectrumOf: SpectrumOf,
  energy: number,
  maximum = Number.POSITIVE_INFINITY,
): LoraRanks {
  const ranks = new Map<string, number>();
  const targets: string[] = [];
  const leftOut: string[] = [];
  for (const layer of layersOf(catalog)) {
    if (layer.members.length > 0 || isVector(layer)) continue;
    const spectrum = spectrumOf(layer.name);
    const rank = spectrum && energyRank(spectrum, energy);
    if (rank) ranks.set(layer.name, Math.min(rank, maximum));
    (rank && isTarget(layer) ? targets : leftOut).push(layer.name);
  }
  return { ranks, targets, leftOut, peft: targets.length > 0 ? peftOf(ranks, targets) : null };
}

function isTarget({ member, kind, embedding, notLinear, shape }: LayerFacts): boolean {
  return !(
    member ||
    embedding ||
    notLinear ||
    kind === "router" ||
    kind === "conv" ||
    (shape !== null && shape.length > 2)
  );
}

function peftOf(ranks: Map<string, number>, targets: string[]): string {
  const rankOf = (name: string): number => ranks.get(name) as number;
  const counts = new Map<number, number>();
  for (const name of targets) counts.set(rankOf(name), (counts.get(rankOf(name)) ?? 0) + 1);
  const [[usual] = [1]] = [...counts].sort(([a, many], [b, others]) => others - many || a - b);
  // PEFT takes the first key that fits the end of a name: where one name is the end of another, the longer comes first.
  const known = new Set(targets);
  const ends = targets.some((name) =>
    name.split(".").some((_, start, parts) => start > 0 && known.has(parts.slice(start).join("."))),
  );
  const length = (name: string): number => Array.from(name).length;
  const ordered = ends ? [...targets].sort((a, b) => length(b) - length(a)) : targets;
  return peftText(
    usual,
    targets,
    ordered.map((name) => [pattern(name), rankOf(name)]),
  );
}
