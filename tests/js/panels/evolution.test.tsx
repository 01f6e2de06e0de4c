/** The panels of an evolution: which checkpoint is drawn, the lines through all of them, and what a layer went through. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { tableCsv } from "../../../js/src/export/csv";
import { EVOLUTION } from "../../../js/src/page/evolutionBoard";
import { Header } from "../../../js/src/page/Header";
import { Lines, namedTicks } from "../../../js/src/panels/evolution/Lines";
import { Slider, stepTime } from "../../../js/src/panels/evolution/Slider";
import { Sparklines } from "../../../js/src/panels/evolution/Sparklines";
import { distanceTo, pathOf, quantile, spreadsOf } from "../../../js/src/panels/evolution/trace";
import { LayerMetrics } from "../../../js/src/panels/layerMetrics/LayerMetrics";
import { SingularValues } from "../../../js/src/panels/spectrum/SingularValues";
import { LayerTable } from "../../../js/src/panels/table/LayerTable";
import type { Board } from "../../../js/src/state/context";
import { createStore } from "../../../js/src/state/store";
import { explanationOf } from "../../../js/src/text/explain";
import { Kernel, type Layer } from "../kernel";
import { type Mounted, mount } from "../page";

const BOARD: Board = EVOLUTION;

/** κ of the layers at each checkpoint; the last layer comes with the second checkpoint. */
const KAPPA = [
  [10, 20, 30, Number.NaN],
  [10, 40, 300, 7],
  [10, 80, Number.POSITIVE_INFINITY, 70],
];
const FAMILIES = ["attention", "attention", "mlp", "other"] as const;

const layersAt = (step: number): Layer[] =>
  FAMILIES.map((family, row) => ({
    name: `layers.${row}`,
    family,
    values: {
      "spectral.condition_number": KAPPA[step]?.[row] as number,
      relative_change_to_first: row === 3 ? Number.NaN : row * step,
      relative_change_to_previous: row === 3 ? Number.NaN : row,
    },
    ...(step === 2 && row === 2 && { error: "it diverged", stage: 3 }),
    spectrum: [step + 2, 1],
  }));

const STEPS = ["step 0", "step 100", "step 2000"].map((name, step) => ({ name, layers: layersAt(step) }));

function evolved(): Kernel {
  const kernel = new Kernel(layersAt(0));
  kernel.change("checkpoint", "step 100");
  kernel.evolve(STEPS, { state: "done" });
  return kernel;
}

const shown = (Part: Parameters<typeof mount>[0], kernel = evolved()): Promise<Mounted> => mount(Part, kernel, BOARD);

afterEach(() => {
  vi.useRealTimers();
});

describe("the checkpoint that is drawn", () => {
  it("gives all panels their numbers, and moves them with it", async () => {
    const page = await shown(LayerTable);
    const kappas = () => page.texts(".wsw-row [data-column=condition_number]");
    expect(kappas()).toEqual(["10.00", "40.00", "300.0", "7.000"]);
    await page.after(() => page.store.moveTo(2));
    expect(kappas()).toEqual(["10.00", "80.00", "∞", "70.00"]);
    expect(page.texts(".wsw-row [data-column=grade]")[2]).toBe("Failed");
    await page.after(() => page.kernel.change("checkpoint", "step 0"));
    expect(kappas()).toEqual(["10.00", "20.00", "30.00", "—"]);
    expect(page.texts(".wsw-row [data-column=relative_change_to_first]")).toEqual(["0", "0", "0", "—"]);
  });

  it("is told to Python, and only one that there is", async () => {
    const kernel = evolved();
    const store = createStore(kernel);
    store.moveTo(3);
    store.moveTo(-1);
    expect(store.step.value).toBe(1);
    store.moveTo(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(kernel.get("checkpoint")).toBe("step 2000");
    store.close();
  });

  it("is the first where Python names none that is here", () => {
    const kernel = evolved();
    kernel.change("checkpoint", "nowhere");
    expect(createStore(kernel).step.value).toBe(0);
  });

  it("is named in what is exported", async () => {
    const page = await shown(LayerTable);
    const [head, first] = tableCsv(page.store).split("\r\n");
    expect(head).toMatch(/^checkpoint,name,.*,relative_change_to_first,/);
    expect(first).toMatch(/^step 100,layers.0,/);
  });

  it("has errors of its own", async () => {
    const kernel = evolved();
    kernel.change("selected", "layers.2");
    const page = await shown(LayerMetrics, kernel);
    expect(page.root.textContent).not.toContain("it diverged");
    await page.after(() => page.store.moveTo(2));
    expect(page.texts(".wsw-failure")[0]).toContain("it diverged");
  });

  it("has figures of its own, which are asked for by its place and the layer's name", async () => {
    const kernel = evolved();
    kernel.change("selected", "layers.1");
    const page = await shown(SingularValues, kernel);
    expect(page.store.detail.value?.spectrum).toEqual(Float64Array.of(3, 1));
    await page.after(() => page.store.moveTo(2));
    expect(page.store.detail.value?.spectrum).toEqual(Float64Array.of(4, 1));
    // Every layer at every checkpoint, each once.
    const asked = kernel.sent.flatMap(({ keys }) => keys ?? []);
    expect([...new Set(asked)].sort()).toEqual(
      [0, 1, 2].flatMap((step) => [0, 1, 2, 3].map((row) => `${step}/layers.${row}`)),
    );
  });
});

describe("the slider", () => {
  it("names the checkpoint and moves to another", async () => {
    const page = await shown(Slider);
    const range = page.find<HTMLInputElement>("input[type=range]");
    expect([range.min, range.max, range.value]).toEqual(["0", "2", "1"]);
    expect(range.getAttribute("aria-valuetext")).toBe("step 100, 2 of 3");
    expect(page.texts(".wsw-step-name")).toEqual(["step 1002 of 3"]);
    await page.after(() => {
      range.value = "2";
      range.dispatchEvent(new Event("input", { bubbles: true }));
    });
    expect(page.store.step.value).toBe(2);
    const [, back, forth] = page.root.querySelectorAll("button");
    expect(forth?.disabled).toBe(true);
    await page.after(() => back?.click());
    expect(page.store.step.value).toBe(1);
  });

  it("plays to the end, from the start where it is there already, and stops when it is moved", async () => {
    const page = await shown(Slider);
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const play = page.find<HTMLButtonElement>(".wsw-play");
    const tick = () => page.after(() => vi.advanceTimersByTime(stepTime(3)));
    await page.after(() => play.click());
    expect(play.getAttribute("aria-label")).toBe("Pause");
    await tick();
    expect(page.store.step.value).toBe(2);
    expect(play.getAttribute("aria-label")).toBe("Play the checkpoints");
    await page.after(() => play.click());
    expect(page.store.step.value).toBe(0);
    await tick();
    expect(page.store.step.value).toBe(1);
    await page.after(() => page.root.querySelectorAll("button")[1]?.click());
    await tick();
    expect(page.store.step.value).toBe(0);
  });

  it("takes seconds, however many checkpoints there are", () => {
    expect([2, 20, 1000].map(stepTime)).toEqual([900, 400, 150]);
  });
});

describe("the lines", () => {
  const surface = (page: Mounted) => page.find(".wsw-surface");
  const at = (x: number, y: number) => ({ clientX: x, clientY: y, bubbles: true, button: 0 });

  it("are of the layers that have the metric somewhere", async () => {
    const page = await shown(Lines);
    expect(surface(page).getAttribute("aria-label")).toContain("Change since the first of 3 layers over 3 checkpoints");
    await page.after(() => page.store.setView({ linesMetric: "condition_number" }));
    expect(surface(page).getAttribute("aria-label")).toContain("Condition number κ of 4 layers");
    expect(page.kernel.get("_view")).toMatchObject({ linesMetric: "condition_number" });
  });

  it("select the layer under the pointer, and a checkpoint where there is none", async () => {
    const page = await shown(Lines);
    // The third layer's change goes up to 4, which is the axis' end: at the last checkpoint it is at the top.
    const x = Number(page.find(".wsw-now").getAttribute("x1"));
    await page.after(() => surface(page).dispatchEvent(new PointerEvent("pointermove", at(x, 141))));
    expect(page.store.hovered.value).toBe(2);
    expect(page.texts(".wsw-tooltip")[0]).toContain("step 100: 2.000");
    await page.after(() => surface(page).dispatchEvent(new MouseEvent("click", at(x, 141))));
    expect(page.store.selected.value).toBe(2);
    expect(page.find(".wsw-line-selected circle").getAttribute("cx")).toBe(String(x));
    await page.after(() => surface(page).dispatchEvent(new MouseEvent("click", at(60, 40))));
    expect([page.store.selected.value, page.store.step.value]).toEqual([2, 0]);
  });

  it("move through the checkpoints where they are dragged across", async () => {
    const page = await shown(Lines);
    const drag = (type: string, x: number) =>
      surface(page).dispatchEvent(new PointerEvent(type, { ...at(x, 100), buttons: 1 }));
    await page.after(() => {
      drag("pointerdown", 300);
      drag("pointermove", 420);
      drag("pointermove", 590);
    });
    expect(page.store.step.value).toBe(2);
    await page.after(() => drag("pointerup", 590));
    expect(page.store.narrowed.value).toBe(false);
  });

  it("have an axis of what the filters leave", async () => {
    const page = await shown(Lines);
    const top = () => page.texts(".wsw-axes g text").map(Number).filter(Number.isFinite).at(-1);
    expect(top()).toBe(4);
    await page.after(() => page.store.search("layers.1"));
    expect(top()).toBe(2);
  });

  it("stand for families, with median and quartiles", async () => {
    const page = await shown(Lines);
    const [, families] = page.root.querySelectorAll<HTMLButtonElement>(".wsw-words button");
    await page.after(() => families?.click());
    expect(families?.getAttribute("aria-pressed")).toBe("true");
    expect(page.texts(".wsw-series-legend")[0]).toContain("line: median, band: quartiles");
  });

  it("are interrupted where there is nothing, and a lone point is a dash", () => {
    expect(pathOf([[0, 1], [1, 2], null, [3, 4]])).toBe("M0.0,1.0L1.0,2.0M3.0,4.0h0.1");
    expect(pathOf([null, null])).toBe("");
  });

  it("are as far as their nearest segment", () => {
    expect(
      distanceTo(
        [
          [0, 0],
          [10, 0],
        ],
        [5, 3],
      ),
    ).toBe(3);
    expect(distanceTo([[0, 0], null, [20, 0]], [10, 0])).toBe(10);
    expect(distanceTo([null], [0, 0])).toBe(Number.POSITIVE_INFINITY);
  });

  it("have quantiles as NumPy has them, infinite ones too", () => {
    // numpy.quantile([1, 2, 4, 8], [0.25, 0.5, 0.75])
    const values = Float64Array.of(1, 2, 4, 8);
    expect([0.25, 0.5, 0.75].map((share) => quantile(values, share))).toEqual([1.75, 3, 5]);
    expect(quantile(Float64Array.of(1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), 0.75)).toBe(
      Number.POSITIVE_INFINITY,
    );
    const history = KAPPA.map((column) => Float64Array.from(column));
    const spreads = spreadsOf(history, [0, 1, 2, 3], FAMILIES);
    expect(spreads.map(({ family, layers }) => [family, layers])).toEqual([
      ["attention", 2],
      ["mlp", 1],
      ["other", 1],
    ]);
    expect(spreads[0]?.at).toEqual([
      [12.5, 15, 17.5],
      [17.5, 25, 32.5],
      [27.5, 45, 62.5],
    ]);
    expect(spreads[2]?.at[0]).toBeNull();
  });

  it("name as many checkpoints as there is room for, the last one always", () => {
    const names = Array.from({ length: 10 }, (_, step) => `step ${step}`);
    expect(namedTicks(names, 2000).map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(namedTicks(names, 200).map(({ value }) => value)).toEqual([0, 3, 6, 9]);
    expect(namedTicks(names, 1).map(({ value }) => value)).toEqual([9]);
  });
});

describe("the selected layer over the checkpoints", () => {
  it("shows every metric that it has: first, course, now", async () => {
    const kernel = evolved();
    kernel.change("selected", "layers.2");
    const page = await shown(Sparklines, kernel);
    const row = (metric: string) => page.texts(`tr[data-metric=${metric}] td`);
    expect(row("condition_number")).toEqual(["30.00", "", "300.0"]);
    expect(row("relative_change_to_first")).toEqual(["0", "", "2.000"]);
    await page.after(() => page.store.moveTo(2));
    expect(row("condition_number")).toEqual(["30.00", "", "∞"]);
    const level = page.root.querySelectorAll("tr[data-metric=condition_number] .wsw-level");
    expect([...level].map((each) => each.getAttribute("data-level"))).toEqual(["green", "red"]);
  });

  it("asks for a layer while none is selected", async () => {
    const page = await shown(Sparklines);
    expect(page.texts(".wsw-empty")).toEqual(["Select a layer in the risk matrix or the table."]);
  });
});

describe("what is said", () => {
  it("of a run that goes on counts steps", async () => {
    const kernel = evolved();
    kernel.evolve(STEPS, { state: "running", done: 3, total: 12 });
    const page = await shown(Header, kernel);
    expect(page.texts(".wsw-progress span")[0]).toContain("Measuring checkpoints: 3 of 12 steps");
  });

  it("explains every panel and metric of its own", () => {
    for (const name of ["lines", "sparklines", "relative_change_to_first", "relative_change_to_previous"])
      expect(explanationOf(name)?.misleads).toBeTruthy();
  });
});
