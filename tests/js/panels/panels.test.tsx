import { describe, expect, it } from "vitest";
import { Distribution } from "../../../js/src/panels/distribution/Distribution";
import { LayerMetrics } from "../../../js/src/panels/layerMetrics/LayerMetrics";
import { RiskMatrix } from "../../../js/src/panels/riskMatrix/RiskMatrix";
import { SingularValues } from "../../../js/src/panels/spectrum/SingularValues";
import { Kernel, LAYERS } from "../kernel";
import { mount, press } from "../page";

const PANELS = { Distribution, SingularValues };
const name = (row: number) => LAYERS[row]?.name as string;

describe.each(Object.entries(PANELS))("%s", (_, Part) => {
  it.each([
    ["nothing is selected", null, "Select a layer in the risk matrix or the table."],
    ["the layer failed", name(4), "The analysis of this layer failed; its metrics give the reason."],
    ["the layer is still to come", name(6), "This layer is next…"],
  ])("says so when %s", async (_case, selected, shown) => {
    const kernel = new Kernel();
    kernel.set("selected", selected);
    const { texts } = await mount(Part, kernel);
    expect(texts(".wsw-empty")).toEqual([shown]);
  });

  it("offers to ask again when the kernel refused", async () => {
    const kernel = new Kernel(LAYERS.slice(0, 1));
    kernel.prompt = false;
    const { store, texts, find, after } = await mount(Part, kernel);
    await after(() => store.select(0));
    await after(() => kernel.reply(kernel.sent[0] as never, "The file is gone."));
    expect(texts(".wsw-empty p")).toEqual(["The file is gone."]);
    kernel.prompt = true;
    await after(() => find(".wsw-empty button").click());
    expect(texts(".wsw-pair svg")).toHaveLength(2);
  });

  it("says when the scan left it out", async () => {
    const kernel = new Kernel(LAYERS, { state: "done" }, Part === SingularValues ? ["sparsity"] : ["spectral"]);
    kernel.layers = LAYERS.map((layer) => ({ ...layer, histogram: undefined, spectrum: undefined }));
    kernel.set("selected", name(0));
    expect((await mount(Part, kernel)).texts(".wsw-empty")).toEqual(["Not computed by this scan."]);
  });
});

describe("the distribution", () => {
  it("draws every bin at its height, on both axes, and tells it in words", async () => {
    const kernel = new Kernel();
    kernel.set("selected", name(1));
    const { root, find } = await mount(Distribution, kernel);
    expect(find("[role=img]").getAttribute("aria-label")).toBe(
      "Histogram of h0.attn.c_proj: 343 weights from −1.000 to 1.000",
    );
    const heights = [...root.querySelectorAll(".wsw-bars")].map((path) =>
      [...(path.getAttribute("d") ?? "").matchAll(/V([\d.]+)H/g)].map(([, y]) => 264 - Number(y)),
    );
    const [linear, logarithmic] = heights as [number[], number[]];
    // The plot is 300 high with 36 below it: heights are as the counts 1, 20, 300, 20, 2.
    expect(linear.map((height) => (300 * height) / (linear[2] as number))).toEqual(
      [1, 20, 300, 20, 2].map((count) => expect.closeTo(count, 0)),
    );
    const decade = (logarithmic[2] as number) - (logarithmic[1] as number);
    expect(decade / Math.log10(15)).toBeCloseTo(
      ((logarithmic[4] as number) - (logarithmic[0] as number)) / Math.log10(2),
      1,
    );
  });

  it("reads out the bin under the pointer", async () => {
    const kernel = new Kernel();
    kernel.set("selected", name(1));
    const { find, texts, after } = await mount(Distribution, kernel);
    const move = new PointerEvent("pointermove", { bubbles: true });
    Object.defineProperty(move, "offsetX", { value: 42 + (600 - 42 - 12) / 2 }); // the middle of the plot
    await after(() => find(".wsw-histogram").dispatchEvent(move));
    expect(texts(".wsw-readout")).toEqual(["−0.2000 to 0.2000: 300"]);
  });
});

describe("the singular values", () => {
  it("are drawn in proportion, with the random edge where it is in view", async () => {
    const kernel = new Kernel([
      { ...LAYERS[1], name: name(1), values: { ...LAYERS[1]?.values, "baseline.marchenko_pastur_edge": 4.5 } },
    ]);
    kernel.set("selected", name(1));
    const { root, find, texts } = await mount(SingularValues, kernel);
    const bars = [...root.querySelectorAll("rect.wsw-bar")].map((bar) => Number(bar.getAttribute("height")));
    expect(bars.map((height) => (9 * height) / (bars[0] as number))).toEqual(
      [9, 4, 1, 0.25].map((value) => expect.closeTo(value, 6)),
    );
    const edge = find(".wsw-largest .wsw-random line");
    expect(264 - Number(edge.getAttribute("y1"))).toBeCloseTo((bars[0] as number) / 2, 6);
    expect(texts(".wsw-spectrum .wsw-random text")).toEqual(["random edge"]);
    expect(find(".wsw-pair").getAttribute("aria-label")).toBe(
      "Singular values of h0.attn.c_proj: 4, from 9.000 down to 0.2500",
    );
  });

  it("at zero are counted, having no place on a log axis", async () => {
    const kernel = new Kernel([{ ...LAYERS[1], name: name(1), spectrum: [3, 1, 0, 0] }]);
    kernel.set("selected", name(1));
    const { texts } = await mount(SingularValues, kernel);
    expect(texts(".wsw-readout")).toEqual(["2 values at zero not drawn"]);
  });

  it("of weights that are not finite do not exist", async () => {
    const kernel = new Kernel();
    kernel.set("selected", name(5));
    const { texts } = await mount(SingularValues, kernel);
    expect(texts(".wsw-empty")).toEqual(["Weights with NaN or infinite values have no singular values."]);
  });
});

describe("the metrics", () => {
  const open = async (selected: string, layers = LAYERS) => {
    const kernel = new Kernel(layers);
    kernel.set("selected", selected);
    return mount(LayerMetrics, kernel);
  };
  const row = (metric: string) => `tr[data-metric='${metric}']`;

  it("show every number with its class and what chance would give", async () => {
    const { texts, find } = await open(name(1), [
      { ...LAYERS[1], name: name(1), values: { ...LAYERS[1]?.values, "baseline.condition_number": 3571.2 } },
    ]);
    expect(texts(`${row("condition_number")} > *`)).toEqual(["Condition number κvery high", "103,100", "≈ 3,600"]);
    expect(texts(`${row("stable_rank_percentage")} td`)[0]).toBe("2.35 %");
    expect(find(`${row("sqnr_db")} .wsw-chip`).dataset.level).toBe("red");
    expect(find(`${row("condition_number")} td`).title).toBe("103109.8046875");
  });

  it("say what failed, in the kernel's words, as an alert", async () => {
    expect((await open(name(4))).texts("[role=alert]")).toEqual(["'broken' cannot be read; download it again."]);
  });

  it("say how many weights are not finite", async () => {
    const { texts } = await open(name(5));
    expect(texts(".wsw-failure")).toEqual([
      "3 NaN and 1 infinite: graded Critical. All other numbers are computed from the finite weights.",
    ]);
    expect(texts(`${row("condition_number")} td`)[0]).toBe("—");
  });

  it("name the full path, the facts and the tied names", async () => {
    expect((await open(name(0))).texts(".wsw-facts span")).toEqual([
      "transformer.wpe",
      "pos_embed · Embedding · 1024 × 768 · float32",
      "Tied with lm_head",
    ]);
  });
});

describe("the risk matrix", () => {
  it("draws its lines where the axes say, and names the riskiest", async () => {
    const { root, texts } = await mount(RiskMatrix);
    expect(texts(".wsw-threshold text")).toEqual(["40 dB", "1 %"]);
    const tick = [...root.querySelectorAll(".wsw-axes g")].find((group) => group.textContent === "40");
    const line = root.querySelector(".wsw-threshold line");
    expect(tick?.getAttribute("transform")).toBe(`translate(0,${line?.getAttribute("y1")})`);
    expect(texts(".wsw-label")).toEqual(expect.arrayContaining(["h0.attn.c_proj", "h9.attn.c_proj", "wpe"]));
  });

  it("follows thresholds that move", async () => {
    const { kernel, texts, after } = await mount(RiskMatrix);
    await after(() => kernel.change("thresholds", { ...kernel.get("thresholds"), sqnr_db: [38, 28] }));
    expect(texts(".wsw-threshold text")[0]).toBe("38 dB");
    expect(texts(".wsw-region-label")).toEqual(["high risk: below 28 dB"]);
  });

  it("counts what has no place on it", async () => {
    expect((await mount(RiskMatrix)).texts(".wsw-note")[0]).toContain(
      "1 layer not drawn: failed, vectors, or without finite weights",
    );
  });

  it("is walked by keys, and rings what is selected", async () => {
    const { store, root, find, after } = await mount(RiskMatrix);
    const surface = find("[role=application]");
    expect(surface.getAttribute("aria-label")).toContain("Quantization risk matrix of 7 layers");
    await after(() => press(surface, "ArrowRight"));
    expect(store.selected.value).toBe(0);
    expect(root.querySelectorAll(".wsw-ring-selected")).toHaveLength(1);
    await after(() => press(surface, "End"));
    expect(store.selected.value).toBe(6);
    expect(root.querySelectorAll(".wsw-ring-selected")).toHaveLength(0); // it has no place yet
  });

  it("says that it waits, and why it stays empty", async () => {
    const waiting = LAYERS.map(({ name: one }) => ({ name: one, stage: 0 }));
    expect((await mount(RiskMatrix, new Kernel(waiting))).texts(".wsw-empty")).toEqual(["Measuring the first layers…"]);
    expect((await mount(RiskMatrix, new Kernel(waiting, {}, ["spectral"]))).texts(".wsw-empty")).toEqual([
      "The scan did not include quantization, so there is nothing to plot.",
    ]);
  });
});
