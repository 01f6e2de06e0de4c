/** What the panels say of a layer that they cannot draw must be true of that layer. */

import { describe, expect, it } from "vitest";
import { Distribution } from "../../../js/src/panels/distribution/Distribution";
import { SingularValues } from "../../../js/src/panels/spectrum/SingularValues";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { mount } from "../page";

const MEASURED = LAYERS[1] as Layer;
const NOT_COMPUTED = ["Not computed by this scan."];
const NEXT = ["This layer is next…"];

const said = async (Part: typeof Distribution, layer: Layer, state: "running" | "done" | "cancelled") => {
  const kernel = new Kernel([layer], { state });
  kernel.set("selected", layer.name);
  return (await mount(Part, kernel)).texts(".wsw-empty");
};

describe("singular values", () => {
  it("of a vector were not computed; its weights are finite", async () => {
    const norm: Layer = {
      name: "ln_f",
      shape: "768",
      values: { parameters: 768, "basic_stats.mean": 1.2, "spectral.total_rank": Number.NaN },
      histogram: { low: 0, high: 2, counts: [700, 68] },
    };
    expect(await said(SingularValues, norm, "done")).toEqual(NOT_COMPUTED);
    expect(await said(Distribution, norm, "done")).toEqual([]);
  });

  it("of results that were read from a file without them were not computed either", async () => {
    const read = {
      ...MEASURED,
      values: { ...MEASURED.values, "spectral.max_singular_value": 28.2 },
      histogram: undefined,
      spectrum: undefined,
    };
    expect(await said(SingularValues, read, "done")).toEqual(NOT_COMPUTED);
    expect(await said(Distribution, read, "done")).toEqual(NOT_COMPUTED);
  });
});

describe("a layer that is half done", () => {
  const half = { ...MEASURED, stage: 1, spectrum: undefined };

  it("has its distribution, and its singular values come next, while the scan runs", async () => {
    expect(await said(Distribution, half, "running")).toEqual([]);
    expect(await said(SingularValues, half, "running")).toEqual(NEXT);
  });

  it("stays half done when the scan was cancelled", async () => {
    expect(await said(Distribution, half, "cancelled")).toEqual([]);
    expect(await said(SingularValues, half, "cancelled")).toEqual(NOT_COMPUTED);
  });
});

describe("a layer that was not begun", () => {
  const waiting = { name: "h.0", stage: 0 };

  it.each([
    ["running", NEXT],
    ["cancelled", NOT_COMPUTED],
  ] as const)("in a scan that is %s: %j", async (state, sentence) => {
    expect(await said(SingularValues, waiting, state)).toEqual(sentence);
    expect(await said(Distribution, waiting, state)).toEqual(sentence);
  });
});

it("waits for an answer that is on its way, also when the scan has ended", async () => {
  const kernel = new Kernel([MEASURED], { state: "done" });
  kernel.prompt = false;
  kernel.set("selected", MEASURED.name);
  const { texts, after } = await mount(SingularValues, kernel);
  expect(texts(".wsw-empty")).toEqual(["Waiting for the kernel…"]);
  await after(() => kernel.reply(kernel.sent[0] as never));
  expect(texts(".wsw-empty")).toEqual([]);
});

it("a layer without a finite weight has no distribution, and says why", async () => {
  const values = { "basic_stats.nan_count": 12 };
  const broken = { ...MEASURED, histogram: undefined, spectrum: undefined, values };
  expect(await said(Distribution, broken, "done")).toEqual(["None of its weights are finite."]);
});
