import { expect, it } from "vitest";
import { createStore } from "../../../js/src/state/store";
import { Kernel } from "../kernel";

it("weights without a largest singular value are Critical, also where nobody counted NaN; zeros are not", () => {
  const layer = (name: string, largest: number) => ({
    name,
    values: {
      "spectral.total_rank": 2,
      "spectral.max_singular_value": largest,
      "spectral.condition_number": Number.NaN,
      "quantization.extreme_outlier_percentage": 0,
    },
  });
  const store = createStore(new Kernel([layer("bad", Number.NaN), layer("zero", 0)]));
  expect(store.judgements.value).toEqual([
    { grade: "Critical", risk: Number.POSITIVE_INFINITY },
    { grade: null, risk: Number.NaN },
  ]);
});
