/** The table as a grid: what assistive technology is told, what is in the page while it scrolls, and its search field. */

import { describe, expect, it } from "vitest";
import { LayerTable } from "../../../js/src/panels/table/LayerTable";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { type Mounted, mount, press } from "../page";

const ROW = 26; // pixels, as in the stylesheet
// Half done, so that nothing is fetched ahead.
const layer = (row: number): Layer => ({ ...(LAYERS[1] as Layer), name: `layers.${row}.w`, stage: 1 });
const many = (count: number): Kernel => new Kernel(Array.from({ length: count }, (_, row) => layer(row)));

const rows = ({ root }: Mounted): number[] =>
  [...root.querySelectorAll<HTMLElement>(".wsw-row")].map((row) => Number(row.dataset.row));

/** With which the list is moved. */
const frame = () => new Promise(requestAnimationFrame);

const scroll = (page: Mounted, top: number): Promise<void> =>
  page.after(() => {
    const scroller = page.find(".wsw-grid-scroller");
    scroller.scrollTop = top;
    scroller.dispatchEvent(new Event("scroll"));
  });

describe("rows in the page", () => {
  it.each([0, 100, 1234, 130_000, 259_700])("are those in view at %d pixels, and a few around", async (top) => {
    const page = await mount(LayerTable, many(10_000));
    await scroll(page, top);
    const shown = rows(page);
    const visible = Array.from({ length: 10_000 }, (_, row) => row).filter(
      (row) => (row + 1) * ROW > top && row * ROW < top + 300,
    );
    expect(shown).toEqual(expect.arrayContaining(visible));
    expect(shown.length).toBeLessThanOrEqual(visible.length + 2 * 9);
    expect(page.find(".wsw-body").style.height).toBe("260000px");
    for (const row of page.root.querySelectorAll<HTMLElement>(".wsw-row")) {
      const at = Number(row.dataset.row);
      expect(row.style.transform).toBe(`translateY(${at * ROW}px)`);
      expect(row.getAttribute("aria-rowindex")).toBe(String(at + 2)); // counted from one, after the head
    }
  });

  it("follow the keys to the end and back", async () => {
    const page = await mount(LayerTable, many(10_000));
    await page.after(() => press(page.find("[role=grid]"), "End"));
    await frame();
    await scroll(page, page.find(".wsw-grid-scroller").scrollTop);
    expect(page.store.selected.value).toBe(9999);
    expect(rows(page).at(-1)).toBe(9999);
    expect(page.find("[aria-selected=true]").dataset.row).toBe("9999");
    await page.after(() => press(page.find("[role=grid]"), "Home"));
    await frame();
    await scroll(page, page.find(".wsw-grid-scroller").scrollTop);
    expect(rows(page)[0]).toBe(0);
  });

  it("stay put while a selection in view changes", async () => {
    const page = await mount(LayerTable, many(100));
    await scroll(page, 520);
    await page.after(() => page.store.select(25));
    expect(page.find(".wsw-grid-scroller").scrollTop).toBe(520);
  });

  it("move just so far that a selection beyond either edge is whole", async () => {
    const page = await mount(LayerTable, many(100));
    const top = (): number => page.find(".wsw-grid-scroller").scrollTop;
    await page.after(() => page.store.select(50));
    await frame();
    expect(top()).toBe(51 * ROW - (300 - ROW)); // under the head, which covers one row of 300 pixels
    await page.after(() => page.store.select(3));
    await frame();
    expect(top()).toBe(3 * ROW);
  });
});

describe("the grid", () => {
  it("names its columns, says which sorts, and gives every row as many cells", async () => {
    const page = await mount(LayerTable);
    const heads = [...page.root.querySelectorAll("[role=columnheader]")];
    expect(heads.map((head) => head.querySelector("button")?.getAttribute("aria-label"))).toEqual(
      ["Layer", "Kind", "κ", "Stable rank", "SQNR", "Ext. outliers", "Grade", "Risk"].map(
        (title) => `Sort by ${title}`,
      ),
    );
    expect(heads.map((head) => head.getAttribute("aria-sort"))).toEqual(["ascending", ...Array(7).fill("none")]);
    for (const row of page.root.querySelectorAll(".wsw-row")) expect(row.children).toHaveLength(8);
  });

  it("says a class by colour and in words, and none where there is no number", async () => {
    const page = await mount(LayerTable);
    const level = (row: number, column: string): (string | undefined)[] => {
      const mark = page.find(`[data-row='${row}'] [data-column=${column}] i.wsw-level`);
      return [mark.dataset.level, mark.title];
    };
    expect(level(2, "condition_number")).toEqual(["green", "safe"]);
    expect(level(0, "condition_number")).toEqual(["yellow", "attention"]);
    expect(level(2, "extreme_outlier_percentage")).toEqual(["yellow", "needs a strategy"]);
    expect(level(5, "sqnr_db")).toEqual(["yellow", "medium risk"]);
    expect(level(3, "stable_rank")).toEqual(["red", "very high potential"]);
    expect(level(3, "grade")[0]).toBe("yellow");
    expect(level(6, "sqnr_db")).toEqual(["none", ""]);
  });

  it("shows the full name of a row, and its stage to the stylesheet", async () => {
    const page = await mount(LayerTable);
    expect(page.find("[data-row='3']").title).toBe("transformer.h.9.attn.c_proj");
    expect([4, 5, 6].map((row) => page.find(`[data-row='${row}']`).dataset.stage)).toEqual(["3", "2", "0"]);
  });

  it("moves the classes with the thresholds", async () => {
    const page = await mount(LayerTable);
    await page.after(() => page.kernel.change("thresholds", { ...page.kernel.get("thresholds"), sqnr_db: [22, 10] }));
    expect(page.find("[data-row='2'] [data-column=sqnr_db] i").dataset.level).toBe("green");
  });
});
