import { describe, expect, it } from "vitest";
import { Header } from "../../../js/src/page/Header";
import { Kernel, LAYERS } from "../kernel";
import { mount } from "../page";

describe("the header", () => {
  it("counts parameters and grades, and the failed apart from them", async () => {
    const { texts, find } = await mount(Header);
    expect(texts(".wsw-model span")).toEqual(["7 layers", "4.33 M parameters", "float32", "1 tensor left out"]);
    expect(find(".wsw-skipped").title).toBe("attn.bias: a mask");
    expect(texts(".wsw-grades li")).toEqual(["1Excellent", "2Good", "0Warning", "2Critical", "1Failed"]);
  });

  it("takes no layer that is still to come for a failed one", async () => {
    const one = (stage: number) => (row: number) => ({ name: `${stage}.${row}`, stage });
    const { texts } = await mount(Header, new Kernel([...[0, 1, 2].map(one(0)), ...[0, 1].map(one(3))]));
    expect(texts(".wsw-grades li")).toEqual(["0Excellent", "0Good", "0Warning", "0Critical", "2Failed"]);
  });

  it("says how far the scan is, and cancels it once", async () => {
    const { kernel, find, after } = await mount(Header);
    expect(find("[role=progressbar]").getAttribute("aria-valuenow")).toBe("80");
    expect(find(".wsw-progress span").textContent).toBe("Measuring weights: 6 of 7 layers · about 3 s left");
    const button = find<HTMLButtonElement>(".wsw-progress button");
    await after(() => button.click());
    expect(button.disabled).toBe(true);
    await after(() => button.click());
    expect(kernel.sent.filter(({ method }) => method === "cancel")).toHaveLength(1);
  });

  it("speaks of spectra once every layer has been measured", async () => {
    const layers = LAYERS.map((layer) => ({ ...layer, stage: layer.stage === 0 ? 1 : layer.stage }));
    const { find } = await mount(Header, new Kernel(layers, { seconds_left: null }));
    expect(find(".wsw-progress span").textContent).toBe("Computing spectra: 6 of 7 layers");
  });

  it.each([
    [{ state: "done" as const }, null],
    [{ state: "cancelled" as const }, "Scan not finished: 6 of 7 layers. Values computed so far are shown."],
    [{ state: "failed" as const, message: "The scan stopped." }, "The scan stopped."],
  ])("with a scan that is %j shows %j", async (progress, shown) => {
    const { texts } = await mount(Header, new Kernel(LAYERS, progress));
    expect(texts(".wsw-progress")).toEqual(shown === null ? [] : [shown]);
  });
});
