/** The search, the filters as chips, and the choice of panels. */

import { describe, expect, it } from "vitest";
import { PANELS, USUAL } from "../../../js/src/page/boards";
import { Toolbar } from "../../../js/src/page/Toolbar";
import { shownPanels } from "../../../js/src/ui/shown";
import { Kernel } from "../kernel";
import { type Mounted, mount, press } from "../page";

const Bar = () => <Toolbar root={{ current: null }} />;

const type = (page: Mounted, query: string) =>
  page.after(() => {
    const field = page.find<HTMLInputElement>("input[type=search]");
    field.value = query;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

describe("the search field", () => {
  it("narrows while one types, and widens with Escape", async () => {
    const page = await mount(Bar);
    await type(page, "attn 768");
    expect(page.store.matching.value).toEqual([1, 3]);
    expect(page.texts(".wsw-chips li")).toEqual(["2 of 7", "“attn 768”×", "Show all"]);
    await page.after(() => press(page.find("input"), "Escape"));
    expect(page.store.matching.value).toHaveLength(7);
    expect(page.texts(".wsw-chips li")).toEqual([]);
  });

  it("walks on with the arrow down, and keeps its other keys to itself", async () => {
    const page = await mount(Bar);
    const field = page.find("input[type=search]");
    let heard = 0;
    page.root.addEventListener("keydown", () => {
      heard += 1;
    });
    await page.after(() => page.store.search("c_proj"));
    await page.after(() => press(field, "ArrowDown"));
    await page.after(() => press(field, "ArrowDown"));
    expect(page.store.selected.value).toBe(3);
    await page.after(() => press(field, "Home"));
    expect([page.store.selected.value, page.store.query.value, heard]).toEqual([3, "c_proj", 0]);
  });
});

describe("the filters", () => {
  it("are said in words, each taken away by its own button", async () => {
    const page = await mount(Bar);
    const { store } = page;
    await page.after(() => {
      store.narrow({ by: "range", metric: "condition_number", low: 1000, high: Number.POSITIVE_INFINITY });
      store.narrow({ by: "range", metric: "sqnr_db", low: 20, high: 30.04 });
      store.narrow({ by: "field", field: "grade", values: ["Critical", "Good"] });
      store.narrow({ by: "field", field: "class:sqnr_db", values: ["high"] });
      store.narrow({ by: "rows", from: "region", rows: new Set([0, 1, 3]) });
    });
    expect(page.texts(".wsw-filter span")).toEqual([
      "Condition number κ ≥ 1,000",
      "SQNR 20.0 dB – 30.0 dB",
      "Grade: Critical, Good",
      "SQNR: high risk",
      "Region of the risk matrix: 3 layers",
    ]);
    expect(store.matching.value).toEqual([0, 1, 3]);
    const remove = (index: number) =>
      page.after(() => (page.root.querySelectorAll(".wsw-filter button")[index] as HTMLElement).click());
    await remove(0);
    expect([...store.filters.value.keys()]).toEqual(["range:sqnr_db", "grade", "class:sqnr_db", "region"]);
    await page.after(() => page.find(".wsw-link").click());
    expect([store.filters.value.size, store.matching.value.length]).toEqual([0, 7]);
  });
});

describe("the panels", () => {
  const choose = async (page: Mounted): Promise<void> => {
    if (!page.root.querySelector(".wsw-popup")) await page.after(() => page.find(".wsw-menu > button").click());
  };

  it("are chosen and ordered, and the page remembers it", async () => {
    const kernel = new Kernel();
    const page = await mount(Bar, kernel);
    await choose(page);
    const boxes = () => [...page.root.querySelectorAll<HTMLInputElement>(".wsw-popup input")];
    expect(boxes().map(({ checked }) => checked)).toEqual(PANELS.map(() => true));
    await page.after(() => boxes()[1]?.click());
    expect(page.store.view.value.panels).toEqual(USUAL.filter((id) => id !== "layer-map"));
    await page.after(() => page.find("[aria-label='Move Weight distribution up']").click());
    expect(page.store.view.value.panels?.slice(0, 2)).toEqual(["distribution", "risk-matrix"]);
    await page.after(() => boxes().at(-1)?.click()); // the hidden one is listed last, and comes back there
    expect(page.store.view.value.panels?.at(-1)).toBe("layer-map");
    page.store.close(); // what waits to be saved is saved
    expect(kernel.saved.at(-1)?._view?.panels?.at(-1)).toBe("layer-map");
  });

  it("are again as usual at a click", async () => {
    const page = await mount(Bar);
    await page.after(() => page.store.setView({ panels: ["table"] }));
    await choose(page);
    await page.after(() => page.find(".wsw-popup > button").click());
    expect(page.store.view.value.panels).toBeNull();
  });

  it("that are unknown or named twice are passed over", () => {
    expect(shownPanels(["table", "of another version", "health", "table"], USUAL)).toEqual(["table", "health"]);
    expect(shownPanels(null, USUAL)).toEqual(USUAL);
  });

  it("close their menu with Escape, which gives the focus back, and with a click elsewhere", async () => {
    const page = await mount(Bar);
    await choose(page);
    await page.after(() => press(page.find(".wsw-popup"), "Escape"));
    expect(page.root.querySelector(".wsw-popup")).toBeNull();
    expect(document.activeElement).toBe(page.find(".wsw-menu > button"));
    await choose(page);
    await page.after(() => document.body.dispatchEvent(new Event("pointerdown", { bubbles: true, composed: true })));
    expect(page.root.querySelector(".wsw-popup")).toBeNull();
  });
});

it("offers to put thresholds back only where they were moved", async () => {
  const page = await mount(Bar);
  const offered = () => page.texts(".wsw-toolbar-end button").includes("Reset thresholds");
  expect(offered()).toBe(false);
  await page.after(() => page.store.moveThreshold("sqnr_db", 0, 38));
  expect(offered()).toBe(true);
  await page.after(() => page.find(".wsw-toolbar-end button").click());
  expect(page.store.thresholds.value.sqnr_db).toEqual([40, 30]);
  expect(offered()).toBe(false);
});
