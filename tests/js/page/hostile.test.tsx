/** Names come from checkpoints: whatever they are, they are shown as text and the page stands. */

import { describe, expect, it } from "vitest";
import { USUAL } from "../../../js/src/page/boards";
import { Dashboard } from "../../../js/src/page/Dashboard";
import { useView } from "../../../js/src/state/context";
import { Kernel, LAYERS, type Layer } from "../kernel";
import { mount } from "../page";

const Whole = () => <Dashboard view={useView()} />;

const NAMES = [
  "<img src=x onerror=alert(1)>",
  "</style><script>alert(1)</script>",
  "\"onclick='alert(1)",
  "<b>&lt;b&gt;</b>&#0;{{2}}",
  "constructor",
  "__proto__",
  "toString",
  "hasOwnProperty",
  "",
  " ",
  "‮txt.\u0000\n权重.🧠",
  "a".repeat(5000),
];

const layers = NAMES.map((name, row): Layer => {
  const layer = { ...(LAYERS[1] as Layer), name, label: name, kind: name, shape: name };
  return row % 2 ? layer : { ...layer, stage: 3, error: `no ${name}` };
});

describe.each(NAMES.map((name, row) => ({ name, row })))("a layer named $name", ({ name, row }) => {
  it("is selected, described and searched for like any other", async () => {
    const kernel = new Kernel(layers, { state: "failed", message: `${name} is gone` });
    const { root, store, texts, after } = await mount(Whole, kernel);
    await after(() => store.select(row));
    expect(texts(".wsw-full-name")).toEqual([name]);
    expect(texts("[role=status]")[0]).toContain(`${name} selected. `);
    expect(texts(".wsw-metrics [role=alert]")).toEqual(row % 2 ? [] : [`no ${name}`]);
    expect(texts(".wsw-metrics")[0]).not.toContain("Tied with");
    expect(texts(".wsw-progress")).toEqual([`${name} is gone`]);
    expect(root.querySelector(`.wsw-row[data-row='${row}']`)?.getAttribute("title")).toBe(name);
    await after(() => store.search(name));
    expect(store.matching.value).toContain(row);
    expect(root.querySelectorAll("img, script, style, [onclick], [onerror]")).toHaveLength(0);
    for (const bold of texts("b")) expect(bold).toMatch(/^([\d.,∞]+|Training|INT8|Compression)$/); // ours, not the names'
  });
});

it("a model without layers is an empty page, not a broken one", async () => {
  const { texts, root } = await mount(Whole, new Kernel([], { state: "done", done: 0, total: 0, fraction: 1 }));
  expect(texts(".wsw-model span")[0]).toBe("0 layers");
  expect(texts(".wsw-grades b")).toEqual(["0", "0", "0", "0"]);
  expect(root.querySelectorAll(".wsw-panel")).toHaveLength(USUAL.length);
  expect(root.querySelectorAll(".wsw-row")).toHaveLength(0);
});
