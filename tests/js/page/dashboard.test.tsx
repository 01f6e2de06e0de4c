/** The page as a whole: its panels, its size and its colours. */

import { describe, expect, it, vi } from "vitest";
import widget from "../../../js/src/entries";
import { Dashboard } from "../../../js/src/page/Dashboard";
import { useView } from "../../../js/src/state/context";
import { language } from "../../../js/src/text/messages";
import { Kernel, LAYERS } from "../kernel";
import { mount } from "../page";

const Whole = () => <Dashboard view={useView()} />;

describe("the dashboard", () => {
  it("says whose weights it shows, in named parts, and keeps its keys from the notebook", async () => {
    const { find, root } = await mount(Whole);
    const page = find(".wsw-dashboard");
    expect(page.getAttribute("aria-label")).toBe("Weights of a model");
    expect(page.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
    expect([...root.querySelectorAll(".wsw-panel")].map((panel) => panel.getAttribute("aria-label"))).toEqual([
      "Quantization risk",
      "Layer map",
      "Weight distribution",
      "Singular values",
      "Layers",
      "Quantization schemes",
      "Advice",
      "Condition numbers",
      "Rank efficiency",
      "Model health",
      "Metrics",
    ]);
  });

  it.each([
    [null, ""],
    [480, "480px"],
    ["80vh", "80vh"],
  ])("with a height of %j is %j high, and scrolls where that is fixed", async (wanted, styled) => {
    const { find, after, kernel } = await mount(Whole);
    await after(() => {
      kernel.change("height", wanted);
    });
    expect([find(".wsw-dashboard").style.height, find(".wsw-dashboard").dataset.fixed]).toEqual([
      styled,
      wanted === null ? undefined : "true",
    ]);
  });

  it("links its parts: a row that is clicked is described, ringed, drawn and read out", async () => {
    const { texts, find, root, after } = await mount(Whole);
    await after(() => find(".wsw-row[data-row='3']").click());
    expect(texts(".wsw-full-name")).toEqual(["transformer.h.9.attn.c_proj"]);
    expect(root.querySelectorAll(".wsw-risk-matrix .wsw-ring-selected")).toHaveLength(1);
    expect(texts(".wsw-label-selected")).toEqual(["h9.attn.c_proj"]);
    expect(find(".wsw-distribution [role=img]").getAttribute("aria-label")).toContain("h9.attn.c_proj");
    expect(find(".wsw-singular-values .wsw-pair").getAttribute("aria-label")).toContain("h9.attn.c_proj");
    expect(texts("[role=status]")).toEqual([
      "h9.attn.c_proj selected. Good, SQNR 29.6 dB, Extreme outliers 0.092 %, Condition number κ 129,500, Stable / total rank 2.85 %",
    ]);
  });

  it("says nothing of a layer when none is selected, and no grade where there is none", async () => {
    const { texts, store, after } = await mount(Whole);
    expect(texts("[role=status]")).toEqual([""]);
    await after(() => store.select(4));
    expect(texts("[role=status]")).toEqual([
      "broken selected. SQNR —, Extreme outliers —, Condition number κ —, Stable / total rank —",
    ]);
  });
});

describe("the module", () => {
  it("speaks the language that Python sets, from the first drawing on", async () => {
    const kernel = new Kernel(LAYERS, { state: "done" });
    kernel.set("language", "zh");
    const { initialize, render } = widget();
    const stop = initialize({ model: kernel as never });
    const el = document.createElement("div");
    const remove = render({ model: kernel as never, el });
    const said = () => [
      el.querySelector(".wsw-dashboard")?.getAttribute("lang"),
      el.querySelector(".wsw-dashboard")?.getAttribute("aria-label"),
      el.querySelector(".wsw-grades [data-grade=Critical] span")?.textContent,
      el.querySelector(".wsw-condition-numbers .wsw-class")?.textContent,
    ];
    expect(said()).toEqual(["zh", "a model 的权重", "危险", "安全 1"]);
    kernel.change("language", "en");
    await Promise.resolve();
    expect(said()).toEqual(["en", "Weights of a model", "Critical", "safe 1"]);
    vi.spyOn(navigator, "language", "get").mockReturnValue("zh-CN");
    kernel.change("language", "auto");
    await Promise.resolve();
    expect(said()[0]).toBe("zh");
    remove();
    stop();
    kernel.change("language", "en");
    expect([language.value, kernel.listeners]).toEqual(["zh", 0]); // nobody listens any more
    language.value = "en";
  });

  it("follows the height and the theme that Python sets, with the colours of each", async () => {
    const kernel = new Kernel(LAYERS, { state: "done" });
    const { initialize, render } = widget();
    const stop = initialize({ model: kernel as never });
    const el = document.createElement("div");
    const remove = render({ model: kernel as never, el });
    const page = () => el.querySelector<HTMLElement>(".wsw-dashboard");
    const look = () => [page()?.dataset.scheme, page()?.style.getPropertyValue("--wsw-red"), page()?.style.height];
    expect(look()).toEqual(["light", "#d62728", ""]);
    kernel.change("theme", "dark");
    kernel.change("height", 500);
    await Promise.resolve();
    expect(look()).toEqual(["dark", "#ff6b6b", "500px"]);
    expect(el.querySelector("style")?.textContent).toContain(".wsw-dashboard");
    remove();
    stop();
    expect([el.childNodes.length, kernel.listeners]).toEqual([0, 0]);
  });
});
