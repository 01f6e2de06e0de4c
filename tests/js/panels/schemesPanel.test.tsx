/** What stands below the table of quantization schemes must be true of the layers that are left. */

import { expect, it } from "vitest";
import { Schemes } from "../../../js/src/panels/schemes/Schemes";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { mount } from "../page";

const LEFT_OUT = 'Schemes without a number were not scanned; add "schemes" to the methods.';
const layers = LAYERS.slice(0, 1); // 1024 × 768 in four bytes each, without the other schemes
const unsized: Layer[] = [{ ...(layers[0] as Layer), shape: "" }];

it.each([
  ["how much is stored", layers, "", `Stored now in 3.15 MB. ${LEFT_OUT}`],
  [
    "that nobody knows how much is stored",
    unsized,
    "",
    `The results do not include the sizes of the layers. ${LEFT_OUT}`,
  ],
  ["that no layer is left", layers, "no such layer", "No layer matches the search and the filters."],
])("says %s", async (_, shown, query, note) => {
  const { store, after, texts } = await mount(Schemes, new Kernel(shown, { state: "done" }));
  await after(() => store.search(query));
  expect(texts(".wsw-note")).toEqual([note]);
});
