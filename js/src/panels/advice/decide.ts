/** What to do about a layer and about a model, on which evidence, as `weightscope_widget/advice` decides. */

import { classify, judge, stableRankPercentage } from "../../domain/assessment";
import { type Catalog, Stage, type Table, type Thresholds } from "../../wire/model";
import { energyRank, isVector, type LayerFacts, layersOf, parametersOf, type SpectrumOf } from "./layers";

export type Topic = "training" | "int8" | "compression";
export type Evidence = Record<string, number>;

export interface Advice {
  topic: Topic;
  action: string;
  /** The numbers by their columns, or for a model counts. */
  evidence: Evidence;
  /** For a model, the layers meant, the most pressing first. */
  layers: string[];
}

// See the Python original for why these.
const LIKE_RANDOM_CONDITION = 10;
const LIKE_RANDOM_DB = 3;
const LIKE_RANDOM_RANK = 0.8;
const GAUSSIAN_DB = 38.76;
const ENERGY = 0.9;
const NAMED = 5;
const FIRST = 3;
const FEW = 0.05;

const advise = (topic: Topic, action: string, evidence: Evidence = {}, layers: string[] = []): Advice => ({
  topic,
  action,
  evidence,
  layers,
});

const known = (table: Table, row: number, ...columns: string[]): Evidence =>
  Object.fromEntries(
    columns
      .map((column): [string, number] => [column, table.value(column, row)])
      .filter(([, value]) => !Number.isNaN(value)),
  );

export function layerAdvice(
  catalog: Catalog,
  table: Table,
  thresholds: Thresholds,
  row: number,
  spectrumOf: SpectrumOf,
): Advice[] {
  const layer = layersOf(catalog)[row];
  return layer ? adviceOf(table, thresholds, layer, spectrumOf) : [];
}

function adviceOf(table: Table, thresholds: Thresholds, layer: LayerFacts, spectrumOf: SpectrumOf): Advice[] {
  const { row } = layer;
  if (table.stage(row) === Stage.Waiting) return [];
  if (judge(table, row, thresholds).risk === Number.POSITIVE_INFINITY) {
    return [advise("training", "repair_weights", known(table, row, "basic_stats.nan_count", "basic_stats.inf_count"))];
  }
  if (table.stage(row) === Stage.Failed) return [advise("training", "scan_again")];
  return [
    training(table, thresholds, row),
    int8(table, thresholds, layer),
    compression(table, thresholds, layer, spectrumOf),
  ].filter((advice) => advice !== null);
}

function training(table: Table, thresholds: Thresholds, row: number): Advice | null {
  const value = table.value("spectral.condition_number", row);
  const found = classify("condition_number", value, thresholds)?.name;
  if (found === undefined) return null;
  const byChance = LIKE_RANDOM_CONDITION * table.value("baseline.condition_number", row);
  const alarming = found === "attention" ? "watch" : found === "high" ? "lower_learning_rate" : "keep_fp32";
  const action = found === "safe" ? "train_as_usual" : value <= byChance ? "like_random" : alarming;
  return advise("training", action, known(table, row, "spectral.condition_number", "baseline.condition_number"));
}

function int8(table: Table, thresholds: Thresholds, { row, embedding, kind }: LayerFacts): Advice | null {
  const first = table.value("quantization.sqnr_db", row);
  const tensor = Number.isNaN(first) ? table.value("schemes.int8_tensor_sqnr_db", row) : first;
  const channel = table.value("schemes.int8_channel_sqnr_db", row);
  const outliers = table.value("quantization.extreme_outlier_percentage", row);
  if (Number.isNaN(tensor)) return null;
  const [safe, risky] = thresholds.sqnr_db;
  const baseline = table.value("baseline.sqnr_db", row);
  const expected = (Number.isNaN(baseline) ? GAUSSIAN_DB : baseline) - LIKE_RANDOM_DB;
  const fine = tensor > safe || (tensor >= risky && tensor >= expected);
  let action = "keep_16bit";
  if (embedding || kind === "router") action = "leave_as_is";
  else if (fine && !(outliers > thresholds.extreme_outlier_percentage[1])) action = "int8_per_tensor";
  else if (Number.isNaN(channel)) action = "try_per_channel";
  else if (channel >= risky) action = "int8_per_channel";
  const beside = ["baseline.sqnr_db", "schemes.int8_channel_sqnr_db", "quantization.extreme_outlier_percentage"];
  return advise("int8", action, { "quantization.sqnr_db": tensor, ...known(table, row, ...beside) });
}

function compression(table: Table, thresholds: Thresholds, layer: LayerFacts, spectrumOf: SpectrumOf): Advice | null {
  const { row } = layer;
  const percentage = stableRankPercentage(table, row);
  if (layer.members.length > 0 || Number.isNaN(percentage)) return null;
  const total = table.value("spectral.total_rank", row);
  const parameters = parametersOf(table, layer);
  const spectrum = spectrumOf(layer.name);
  const rank = spectrum && energyRank(spectrum, ENERGY);
  // Two factors of rank k hold k·(m + n) weights instead of m·n.
  const even = parameters / (total + parameters / total);
  const ranks: Evidence = rank && !Number.isNaN(even) ? { rank_90: rank, break_even_rank: even } : {};
  let action = "low_rank";
  if (percentage >= thresholds.stable_rank_percentage[1]) action = "leave_rank";
  else if (percentage >= LIKE_RANDOM_RANK * table.value("baseline.stable_rank_percentage", row))
    action = "rank_like_random";
  else if (rank && rank >= even) action = "adapter_only";
  return advise("compression", action, {
    "spectral.stable_rank_percentage": percentage,
    ...known(table, row, "baseline.stable_rank_percentage"),
    ...ranks,
  });
}

// The model

interface Found {
  layer: LayerFacts;
  advice: Advice;
}

export function modelAdvice(catalog: Catalog, table: Table, thresholds: Thresholds, spectrumOf: SpectrumOf): Advice[] {
  const layers = layersOf(catalog);
  // A stack of experts is spoken for by its single matrices.
  const found = layers
    .filter((layer) => layer.members.length === 0 && !isVector(layer))
    .flatMap((layer) => adviceOf(table, thresholds, layer, spectrumOf).map((advice): Found => ({ layer, advice })));
  const about = (topic: Topic): Found[] => found.filter(({ advice }) => advice.topic === topic);
  return [
    ...modelTraining(about("training")),
    ...whereToStart(table, thresholds, layers),
    ...modelInt8(about("int8")),
    ...modelCompression(table, about("compression")),
  ];
}

const having = (found: Found[], ...actions: string[]): Found[] =>
  found.filter(({ advice }) => actions.includes(advice.action));

/** The names of those with the largest keys; ties keep the model's order, and infinities are compared, not subtracted. */
function worst<T extends { layer: LayerFacts }>(found: T[], key: (one: T) => number, count = NAMED): string[] {
  const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? 1 : -1);
  return [...found]
    .sort((a, b) => compare(key(a), key(b)))
    .slice(0, count)
    .map(({ layer }) => layer.name);
}

const evidenceOf =
  (column: string, sign = 1) =>
  ({ advice }: Found): number =>
    sign * (advice.evidence[column] ?? Number.NaN);

function modelTraining(found: Found[]): Advice[] {
  const total = found.length;
  const troubled = ["repair_weights", "scan_again"].map((action) => ({ action, those: having(found, action) }));
  const advice = troubled
    .filter(({ those }) => those.length > 0)
    .map(({ action, those }) => {
      const names = those.slice(0, NAMED).map(({ layer }) => layer.name);
      return advise("training", action, { count: those.length, total }, names);
    });
  const judged = total - troubled.reduce((sum, { those }) => sum + those.length, 0);
  if (judged === 0) return advice;
  const count = (action: string): number => having(found, action).length;
  const counts = {
    keep_fp32: count("keep_fp32"),
    lower_learning_rate: count("lower_learning_rate"),
    watch: count("watch"),
    like_random: count("like_random"),
  };
  const action = counts.keep_fp32 ? "keep_fp32" : counts.lower_learning_rate ? "lower_learning_rate" : "train_as_usual";
  const pressing = worst(having(found, "keep_fp32", "lower_learning_rate"), evidenceOf("spectral.condition_number"));
  return [...advice, advise("training", action, { ...counts, total: judged }, pressing)];
}

/** The few layers that hold most of the risk. */
function whereToStart(table: Table, thresholds: Thresholds, layers: LayerFacts[]): Advice[] {
  const risks = layers
    .filter(({ members }) => members.length === 0)
    .map((layer) => ({ layer, risk: judge(table, layer.row, thresholds).risk }))
    .filter(({ risk }) => risk > 0 && risk < Number.POSITIVE_INFINITY);
  if (risks.length <= FIRST) return [];
  const names = worst(risks, ({ risk }) => risk, FIRST);
  const sum = (of: typeof risks): number => of.reduce((total, { risk }) => total + risk, 0);
  const share = (100 * sum(risks.filter(({ layer }) => names.includes(layer.name)))) / sum(risks);
  return [advise("training", "start_with", { risk_percentage: share, total: risks.length }, names)];
}

function modelInt8(found: Found[]): Advice[] {
  const judged = found.filter(({ advice }) => advice.action !== "leave_as_is");
  if (judged.length === 0) return [];
  const others = judged.filter(({ advice }) => advice.action !== "int8_per_tensor");
  const lost = having(others, "keep_16bit");
  let action = lost.length > judged.length / 2 ? "keep_16bit" : "int8_per_channel";
  let exceptions = lost;
  if (others.length <= FEW * judged.length) [action, exceptions] = ["int8_per_tensor", others];
  else if (having(found, "try_per_channel").length > 0) [action, exceptions] = ["try_per_channel", others];
  const names = worst(exceptions, evidenceOf("quantization.sqnr_db", -1));
  return [advise("int8", action, { count: exceptions.length, total: judged.length }, names)];
}

function modelCompression(table: Table, found: Found[]): Advice[] {
  if (found.length === 0) return [];
  const low = having(found, "low_rank");
  const evidence: Evidence = { count: low.length, total: found.length };
  if (low.length === 0) {
    const likeRandom = having(found, "rank_like_random").length;
    return [advise("compression", "leave_rank", { ...evidence, rank_like_random: likeRandom })];
  }
  const size = ({ layer }: Found): number => parametersOf(table, layer) || 0;
  const saved = (one: Found): number => size(one) * shareOf(one.advice);
  const sum = (of: Found[], value: (one: Found) => number): number => of.reduce((total, one) => total + value(one), 0);
  const sure = low.some(({ advice }) => "rank_90" in advice.evidence);
  if (sure) evidence.saved_percentage = (100 * sum(low, saved)) / sum(found, size);
  const names = worst(low, sure ? saved : evidenceOf("spectral.stable_rank_percentage", -1));
  return [advise("compression", "low_rank", evidence, names)];
}

/** The share of a layer's weights that two factors save, 0 where the rank is not known. */
export function shareOf({ evidence }: Advice): number {
  const { rank_90: rank, break_even_rank: even } = evidence;
  return rank === undefined || even === undefined ? 0 : 1 - rank / even;
}
