/** A kernel as the page sees it: traits, and replies to requests; the layers are real ones of GPT-2 and some in trouble. */

import type { Model, Plan, Progress, Traits } from "../../js/src/wire/model";
import en from "../../weightscope_widget/data/text/en.json";
import zh from "../../weightscope_widget/data/text/zh.json";

export interface Layer {
  name: string;
  label?: string;
  kind?: string;
  family?: "attention" | "mlp" | "embedding" | "other";
  shape?: string;
  stage?: number;
  values?: Record<string, number>;
  error?: string;
  histogram?: { low: number; high: number; counts: number[] };
  spectrum?: number[];
  base?: Drawn;
  delta?: Drawn;
  overlap?: { size: number; cells: number[] };
  nearest?: number[];
}

interface Drawn {
  histogram: { low: number; high: number; counts: number[] };
  spectrum: number[];
}

const values = (
  condition: number,
  sqnr: number,
  outliers: number,
  stable: number,
  total: number,
  parameters: number,
) => ({
  "spectral.condition_number": condition,
  "spectral.stable_rank": stable,
  "spectral.total_rank": total,
  "quantization.sqnr_db": sqnr,
  "quantization.extreme_outlier_percentage": outliers,
  parameters,
});

/** A layer's numbers with its stable rank as a percentage, as the kernel sends it. */
const withPercentage = (row: Record<string, number>): Record<string, number> => {
  const { "spectral.stable_rank": stable, "spectral.total_rank": total } = row;
  if (stable === undefined || total === undefined || "spectral.stable_rank_percentage" in row) return row;
  const entries = Object.entries(row);
  const after = entries.findIndex(([column]) => column === "spectral.stable_rank") + 1;
  entries.splice(after, 0, ["spectral.stable_rank_percentage", (100 * stable) / total]);
  return Object.fromEntries(entries);
};

const DONE = { histogram: { low: -1, high: 1, counts: [1, 20, 300, 20, 2] }, spectrum: [9, 4, 1, 0.25] };

/** Figures of the reference results of GPT-2; then a layer that failed, one with NaN, and one still to come. */
export const LAYERS: Layer[] = [
  {
    name: "transformer.wpe",
    label: "wpe",
    kind: "pos_embed",
    family: "embedding",
    shape: "1024 × 768",
    ...DONE,
    values: values(6273.0859375, 25.835164117483384, 12.809626261393229, 3.0852386951446533, 768, 786432),
  },
  {
    name: "transformer.h.0.attn.c_proj",
    label: "h0.attn.c_proj",
    kind: "o",
    family: "attention",
    shape: "768 × 768",
    ...DONE,
    values: values(103109.8046875, 25.849987872841602, 12.857733832465279, 18.009939193725586, 768, 589824),
  },
  {
    name: "transformer.h.0.mlp.c_fc",
    label: "h0.mlp.c_fc",
    kind: "up",
    family: "mlp",
    shape: "768 × 3072",
    ...DONE,
    values: values(44.39096450805664, 22.631370338265242, 0.15000237358940954, 26.521791458129883, 768, 2359296),
  },
  {
    name: "transformer.h.9.attn.c_proj",
    label: "h9.attn.c_proj",
    kind: "o",
    family: "attention",
    shape: "768 × 768",
    ...DONE,
    values: values(129498.6328125, 29.624786722648246, 0.09223090277777778, 21.90287208557129, 768, 589824),
  },
  {
    name: "broken",
    label: "broken",
    kind: "other",
    family: "other",
    shape: "30 × 40",
    stage: 3,
    error: "'broken' cannot be read; download it again.",
    values: { parameters: 1200 },
  },
  {
    name: "not.finite",
    label: "not.finite",
    kind: "other",
    family: "other",
    shape: "8 × 8",
    histogram: DONE.histogram,
    values: {
      ...values(Number.NaN, 38.1, 0, Number.NaN, 8, 64),
      "basic_stats.nan_count": 3,
      "basic_stats.inf_count": 1,
    },
  },
  {
    name: "h.1.<img src=x onerror=alert(1)>",
    label: "h1.<img src=x onerror=alert(1)>",
    kind: "other",
    family: "other",
    shape: "2 × 2",
    stage: 0,
    values: { parameters: 4 },
  },
];

const RUNNING: Progress = { state: "running", done: 6, total: 7, fraction: 0.8, seconds_left: 3.2, message: "" };

export class Kernel implements Model {
  readonly sent: {
    type: string;
    id: number;
    method: string;
    keys?: string[];
    key?: string;
    energy?: number;
    thresholds?: Traits["thresholds"];
  }[] = [];
  /** What it says of plans. */
  planFor: (request: Kernel["sent"][number]) => Plan = () => ({ said: [] });
  /** What the page saved, each time; traits that did not change are not in it. */
  readonly saved: Partial<Traits>[] = [];
  /** Answer at once; otherwise requests wait for `reply`. */
  prompt = true;
  /** Of an evolution: its checkpoints, each with the same layers. */
  private steps: { name: string; layers: Layer[] }[] = [];
  private traits: Traits;
  private unsaved: Partial<Traits> = {};
  private readonly handlers = new Map<string, Set<(...parts: never[]) => void>>();

  constructor(
    public layers: Layer[] = LAYERS,
    progress: Partial<Progress> = {},
    methods = ["basic_stats", "spectral", "quantization", "sparsity"],
  ) {
    const column = <T>(of: (layer: Layer) => T): T[] => layers.map(of);
    this.traits = {
      selected: null,
      compared: [],
      selection: [],
      height: null,
      theme: "light",
      language: "en",
      _board: "scan",
      _texts: { en, zh },
      _catalog: {
        model: "a model",
        methods,
        names: column(({ name }) => name),
        labels: column(({ label, name }) => label ?? name),
        kinds: column(({ kind }) => kind ?? "other"),
        families: column(({ family }) => family ?? "other"),
        stacks: column(() => ""),
        shapes: column(({ shape }) => shape ?? ""),
        dtypes: column(() => "float32"),
        stacked: [],
        not_linear: [],
        aliases: { "transformer.wpe": ["lm_head"] },
        skipped: { "attn.bias": "a mask" },
      },
      thresholds: {
        condition_number: [1e3, 1e4, 1e5],
        sqnr_db: [40, 30],
        extreme_outlier_percentage: [0.1, 1, 10],
        stable_rank_percentage: [10, 30, 50, 70],
      },
      _table: this.encode({ ...RUNNING, ...progress }),
      _advice: {},
      _plans: {},
      _kept: {},
      _view: {},
    };
  }

  get<K extends keyof Traits>(key: K): Traits[K] {
    return this.traits[key];
  }

  /** The page sets a trait: nobody but the kernel hears of it, and only when it is saved. */
  set<K extends keyof Traits>(key: K, value: Traits[K]): void {
    this.traits = { ...this.traits, [key]: value };
    this.unsaved = { ...this.unsaved, [key]: value };
  }

  save_changes(): void {
    this.saved.push(this.unsaved);
    this.unsaved = {};
  }

  /** The kernel sets a trait. */
  change<K extends keyof Traits>(key: K, value: Traits[K]): void {
    this.traits = { ...this.traits, [key]: value };
    this.emit(`change:${key}`);
  }

  /** The scan reports. */
  report(layers: Layer[], progress: Partial<Progress> = {}): void {
    this.layers = layers;
    this.change("_table", this.encode({ ...RUNNING, ...progress }));
  }

  /** The kernel advises: rows of numbers, and for the model. */
  advise(columns: Record<string, number[]>, model: NonNullable<Traits["_advice"]["models"]>[number] = []): void {
    const data = bytes(Object.values(columns).flat());
    this.change("_advice", { columns: Object.keys(columns), data, models: [model] });
  }

  /** The run over checkpoints reports. */
  evolve(steps: { name: string; layers: Layer[] }[], progress: Partial<Progress> = {}): void {
    this.steps = steps;
    const tables = steps.map(({ layers }) => this.columnsOf(layers));
    const columns = [...new Set(tables.flatMap((table) => [...table.keys()]))];
    const missing = steps[0]?.layers.map(() => Number.NaN) ?? [];
    this.change("_table", {
      columns,
      data: bytes(tables.flatMap((table) => columns.flatMap((column) => table.get(column) ?? missing))),
      errors: {},
      progress: { ...RUNNING, ...progress },
      checkpoints: steps.map(({ name, layers }) => ({ name, errors: errorsOf(layers) })),
    });
  }

  on(event: string, handler: (...parts: never[]) => void): void {
    const handlers = this.handlers.get(event) ?? new Set();
    this.handlers.set(event, handlers.add(handler));
  }

  off(event: string, handler: (...parts: never[]) => void): void {
    this.handlers.get(event)?.delete(handler);
  }

  get listeners(): number {
    return [...this.handlers.values()].reduce((sum, handlers) => sum + handlers.size, 0);
  }

  send(message: unknown): void {
    const request = message as Kernel["sent"][number];
    this.sent.push(request);
    if (this.prompt) this.reply(request);
  }

  reply(request: Kernel["sent"][number], error?: string): void {
    if (error !== undefined) {
      this.emit("msg:custom", { type: "reply", id: request.id, error }, []);
      return;
    }
    if (request.method === "plan") {
      this.change("_plans", { ...this.traits._plans, [request.key ?? ""]: this.planFor(request) });
      this.answer({ type: "reply", id: request.id, result: {} }, []);
      return;
    }
    const buffers: DataView[] = [];
    const put = (numbers: number[]): number => buffers.push(bytes(numbers)) - 1;
    const layers = (request.keys ?? []).map((key) => {
      const { base, delta, overlap, nearest, ...own } = this.layerOf(key);
      const drawn = ({ histogram, spectrum }: Partial<Drawn>) => ({
        histogram: histogram ? { ...histogram, counts: put(histogram.counts) } : null,
        spectrum: spectrum ? put(spectrum) : null,
      });
      return {
        key,
        ...drawn(own),
        ...(base && { base: drawn(base) }),
        ...(delta && { delta: drawn(delta) }),
        ...(overlap && { overlap: { ...overlap, cells: put(overlap.cells) } }),
        ...(nearest && { nearest: put(nearest) }),
      };
    });
    this.answer({ type: "reply", id: request.id, result: { layers } }, buffers);
  }

  /** Send any message. */
  answer(message: unknown, buffers: DataView[]): void {
    this.emit("msg:custom", message, buffers);
  }

  private emit(event: string, ...parts: unknown[]): void {
    for (const handler of [...(this.handlers.get(event) ?? [])]) handler(...(parts as never[]));
  }

  private layerOf(key: string): Layer {
    const [, step, name] = /^(\d+)\/(.*)$/s.exec(key) ?? [];
    const layers = this.steps.length ? (this.steps[Number(step)]?.layers ?? []) : this.layers;
    return layers.find((layer) => layer.name === (this.steps.length ? name : key)) as Layer;
  }

  private columnsOf(layers: Layer[]): Map<string, number[]> {
    const rows = layers.map(({ values = {} }) => withPercentage(values));
    const columns = ["stage", ...new Set(rows.flatMap((row) => Object.keys(row)))];
    const of = (column: string) => (layer: Layer, row: number) =>
      column === "stage" ? (layer.stage ?? 2) : (rows[row]?.[column] ?? Number.NaN);
    return new Map(columns.map((column) => [column, layers.map(of(column))]));
  }

  private encode(progress: Progress): Traits["_table"] {
    const table = this.columnsOf(this.layers);
    return {
      columns: [...table.keys()],
      data: bytes([...table.values()].flat()),
      errors: errorsOf(this.layers),
      progress,
    };
  }
}

const errorsOf = (layers: Layer[]): Record<string, string> =>
  Object.fromEntries(layers.flatMap(({ name, error }) => (error ? [[name, error]] : [])));

/** Float64 numbers as they arrive: at an odd place in a larger buffer. */
function bytes(numbers: number[]): DataView {
  const buffer = new ArrayBuffer(8 * numbers.length + 3);
  const view = new DataView(buffer, 3);
  numbers.forEach((value, index) => {
    view.setFloat64(8 * index, value, true);
  });
  return view;
}
