import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import widget from "../../../js/src/entries";
import { detectScheme } from "../../../js/src/theme/scheme";
import { Kernel, LAYERS } from "../kernel";

const settle = () => act(() => new Promise<void>((resolve) => setTimeout(resolve)));

describe("the scheme", () => {
  afterEach(() => {
    document.body.removeAttribute("data-jp-theme-light");
    document.body.className = "";
  });

  it("is what the person chose", () => {
    document.body.dataset.jpThemeLight = "true";
    expect(detectScheme("dark")).toBe("dark");
  });

  it("else what JupyterLab or VS Code say", () => {
    document.body.dataset.jpThemeLight = "false";
    expect(detectScheme("auto")).toBe("dark");
    document.body.removeAttribute("data-jp-theme-light");
    document.body.className = "vscode-high-contrast";
    expect(detectScheme("auto")).toBe("dark");
    document.body.className = "vscode-light";
    expect(detectScheme("auto")).toBe("light");
  });

  it("else what the browser prefers", () => {
    vi.stubGlobal("matchMedia", () => ({ matches: true }));
    expect(detectScheme("auto")).toBe("dark");
    vi.unstubAllGlobals();
  });
});

describe("the widget", () => {
  let kernel: Kernel;
  let definition: ReturnType<typeof widget>;
  let stop: () => void;
  const show = () => {
    const el = document.createElement("div");
    document.body.append(el);
    return { el, remove: definition.render({ model: kernel as never, el }) };
  };

  beforeEach(() => {
    kernel = new Kernel(LAYERS, { state: "done" });
    definition = widget();
    stop = definition.initialize({ model: kernel as never });
  });

  it("follows the page from light to dark", async () => {
    kernel.change("theme", "auto");
    document.body.dataset.jpThemeLight = "true";
    const { el, remove } = show();
    await settle();
    const scheme = () => el.querySelector<HTMLElement>(".wsw-dashboard")?.dataset.scheme;
    expect(scheme()).toBe("light");
    document.body.dataset.jpThemeLight = "false";
    await vi.waitUntil(() => scheme() === "dark");
    remove();
    stop();
  });

  it("shows two views of one state, asks the kernel once, and leaves nothing behind", async () => {
    const listeners = kernel.listeners;
    const [one, other] = [show(), show()];
    await settle();
    await act(() => one.el.querySelector<HTMLElement>("[data-row='1']")?.click());
    expect(other.el.querySelector("[aria-selected=true]")?.getAttribute("data-row")).toBe("1");
    await settle();
    expect(kernel.sent.flatMap(({ keys }) => keys)).toHaveLength(6); // the seventh is not finished
    one.remove();
    expect(one.el.childNodes).toHaveLength(0);
    expect(other.el.querySelector(".wsw-dashboard")).not.toBeNull();
    other.remove();
    expect(kernel.listeners).toBe(listeners);
    stop();
    expect(kernel.listeners).toBe(0);
  });

  it("says to a screen reader what was selected and how it stands", async () => {
    const { el, remove } = show();
    await settle();
    await act(() => kernel.change("selected", "transformer.h.0.attn.c_proj"));
    expect(el.querySelector("[role=status]")?.textContent).toBe(
      "h0.attn.c_proj selected. Critical, SQNR 25.8 dB, Extreme outliers 12.9 %, Condition number κ 103,100, Stable / total rank 2.35 %",
    );
    remove();
    stop();
  });
});
