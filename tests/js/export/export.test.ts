/** What leaves the page: the table as CSV, names of files, and marks as elements of a picture. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { paintingOf, remember, SvgPainter } from "../../../js/src/charts/painter";
import { tableCsv } from "../../../js/src/export/csv";
import { download, fileName } from "../../../js/src/export/files";
import { createStore } from "../../../js/src/state/store";
import { Kernel, LAYERS, type Layer } from "../kernel";

/** A reader of RFC 4180 that knows nothing of the writer: letter by letter. */
function parse(text: string): string[][] {
  const lines: string[][] = [];
  let [cells, cell, within] = [[] as string[], "", false];
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (within) {
      if (letter !== '"') cell += letter;
      else if (text[at + 1] === '"') {
        cell += '"';
        at++;
      } else within = false;
    } else if (letter === '"' && cell === "") within = true;
    else if (letter === ",") {
      cells.push(cell);
      cell = "";
    } else if (letter === "\r" && text[at + 1] === "\n") {
      lines.push([...cells, cell]);
      [cells, cell] = [[], ""];
      at++;
    } else cell += letter;
  }
  expect([cells, cell, within]).toEqual([[], "", false]); // every line is ended, every quote closed
  return lines;
}

const csv = (layers: Layer[]): string => tableCsv(createStore(new Kernel(layers)));

describe("the table as CSV", () => {
  it("has a line for each layer, with every number in full", () => {
    const lines = parse(tableCsv(createStore(new Kernel())));
    expect(lines).toHaveLength(8);
    expect(lines[0]).toEqual([
      ...["name", "label", "kind", "family", "stack", "shape", "dtype", "grade", "risk"],
      ...[
        "spectral.condition_number",
        "spectral.stable_rank",
        "spectral.stable_rank_percentage",
        "spectral.total_rank",
        "quantization.sqnr_db",
      ],
      ...["quantization.extreme_outlier_percentage", "parameters", "basic_stats.nan_count", "basic_stats.inf_count"],
    ]);
    expect(new Set(lines.map(({ length }) => length))).toEqual(new Set([18]));
    const [, , projection] = lines;
    expect(projection?.slice(0, 8)).toEqual([
      ...["transformer.h.0.attn.c_proj", "h0.attn.c_proj", "o", "attention", "", "768 × 768", "float32", "Critical"],
    ]);
    expect(Number(projection?.[8])).toBe(50 + 3 * 12.857733832465279);
    expect(projection?.slice(9)).toEqual([
      ...[
        "103109.8046875",
        "18.009939193725586",
        "2.3450441658496857",
        "768",
        "25.849987872841602",
        "12.857733832465279",
        "589824",
        "",
        "",
      ],
    ]);
  });

  it("leaves out how far the scan is, and what chance would give", () => {
    const [head] = parse(csv([{ name: "w", values: { "baseline.condition_number": 1, parameters: 4 } }]));
    expect(head?.slice(9)).toEqual(["parameters"]);
  });

  it("writes what is not finite as pandas does", () => {
    const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0.5, 1e-300, 1e300];
    const lines = parse(csv(values.map((value, row) => ({ name: `w${row}`, values: { "basic_stats.mean": value } }))));
    expect(lines.slice(1).map((cells) => cells.at(-1))).toEqual(["inf", "-inf", "", "0", "-0.5", "1e-300", "1e+300"]);
    const [, , , , , , notFinite] = parse(tableCsv(createStore(new Kernel())));
    expect(notFinite?.slice(7, 10)).toEqual(["Critical", "inf", ""]);
  });

  it.each([
    ["a comma", "a,b"],
    ["quotes", 'say "hello", twice ""'],
    ["a line break", "a\nb"],
    ["a carriage return", "a\rb"],
    ["both", "a\r\nb"],
    ["letters of any script", "权重 ваги 🙂"],
    ["a quote alone", '"'],
  ])("keeps names with %s", (_, name) => {
    const lines = parse(csv([{ name, label: name }]));
    expect([lines.length, lines[1]?.slice(0, 2)]).toEqual([2, [name, name]]);
  });

  it("quotes only what needs it", () => {
    const text = csv([{ name: 'a "b"', label: "plain", shape: "2 × 2" }]);
    expect(text.split("\r\n")[1]).toBe('"a ""b""",plain,other,other,,2 × 2,float32,,');
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x","y")'])(
    "marks %j as a text, lest a spreadsheet compute it",
    (name) => {
      expect(parse(csv([{ name }]))[1]?.[0]).toBe(`'${name}`);
    },
  );

  it("does not mark numbers, nor names with such a sign within", () => {
    const lines = parse(csv([{ name: "a=b", label: "1+1", values: { "basic_stats.mean": -1 } }]));
    expect([lines[1]?.slice(0, 2), lines[1]?.at(-1)]).toEqual([["a=b", "1+1"], "-1"]);
  });

  it("is in the table's order, of what the filters leave", () => {
    const store = createStore(new Kernel());
    const names = () =>
      parse(tableCsv(store))
        .slice(1)
        .map(([name]) => LAYERS.findIndex((layer) => layer.name === name));
    store.sortBy("condition_number");
    expect(names()).toEqual([3, 1, 0, 2, 4, 5, 6]);
    store.narrow({ by: "field", field: "family", values: ["attention", "embedding"] });
    expect(names()).toEqual([3, 1, 0]);
    store.search("nothing like it");
    expect(names()).toEqual([]);
  });
});

describe("a file's name", () => {
  it.each([
    ["gpt2", "gpt2"],
    ["openai-community/gpt2", "openai-community-gpt2"],
    ["a\\b:c*d?e<f>g|h", "a-b-c-d-e-f-g-h"],
    ["../../etc/passwd", "etc-passwd"],
    ["..", "weights"],
    ["...", "weights"],
    ["", "weights"],
    ["   ", "weights"],
    ["///", "weights"],
    [".hidden", "hidden"],
    ["trailing. . .", "trailing"],
    ["line\nbreak\ttab\u0000nul\u007f", "line-break-tab-nul"],
    ["exe\u202Egnp.txt", "exe-gnp.txt"], // which would read exetxt.png
    ["zero\u200Bwidth", "zero-width"],
    ["权重 ваги", "权重-ваги"],
    ["cafe\u0301", "caf\u00e9"],
    ["हिन्दी", "हिन्दी"], // whose vowels are marks
    ["model 🙂 v2", "model---v2"],
    ["🙂", "weights"],
    ["con", "_con"],
    ["CON", "_CON"],
    ["nul.tar", "_nul.tar"],
    ["com1", "_com1"],
    ["console", "console"],
    ["quote\"s and 's", "quote-s-and--s"],
    ["-rf", "rf"],
  ])("of %j is %j", (model, name) => {
    expect(fileName(model)).toBe(name);
  });

  it("is made of all parts", () => {
    expect(fileName("org/model", "Risk matrix")).toBe("org-model-Risk-matrix");
  });

  it("is 80 letters long at most, and whole ones", () => {
    expect(fileName("x".repeat(300))).toBe("x".repeat(80));
    expect(fileName("𝒳".repeat(300))).toBe("𝒳".repeat(80)); // no halves of them
    expect(fileName(`${"x".repeat(79)}.${"y".repeat(300)}`)).toBe("x".repeat(79)); // no dot at the end
  });

  it("that is cut is none of a device either", () => {
    expect(fileName("con", "")).toBe("_con");
    expect(fileName("aux", ".")).toBe("_aux");
  });
});

describe("a download", () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it("is offered under its name, and lets go of what it holds later", () => {
    vi.useFakeTimers();
    const made = vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:one");
    const revoked = vi.spyOn(URL, "revokeObjectURL").mockReturnValue();
    const clicked: [string, string][] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      clicked.push([this.download, this.href]);
    });
    const content = new Blob(["a"]);
    download(content, "a.csv");
    expect([made.mock.calls, clicked, revoked.mock.calls]).toEqual([[[content]], [["a.csv", "blob:one"]], []]);
    vi.advanceTimersByTime(60_000);
    expect(revoked.mock.calls).toEqual([["blob:one"]]);
  });
});

describe("marks as elements", () => {
  const group = () => document.createElementNS("http://www.w3.org/2000/svg", "g") as SVGElement;
  const attributes = (element: Element | undefined): Record<string, string> =>
    Object.fromEntries([...(element?.attributes ?? [])].map(({ name, value }) => [name, value]));

  it("are rectangles, to a hundredth of a pixel", () => {
    const parent = group();
    const painter = new SvgPainter(parent);
    painter.rect(1, 2.005001, 7.12999, 4, "#123456");
    painter.rect(0, 0, 1, 1, "red", 0.25);
    expect([...parent.children].map((child) => [child.localName, attributes(child)])).toEqual([
      ["rect", { x: "1", y: "2.01", width: "7.13", height: "4", fill: "#123456" }],
      ["rect", { x: "0", y: "0", width: "1", height: "1", fill: "red", opacity: "0.25" }],
    ]);
    expect(parent.firstElementChild?.namespaceURI).toBe("http://www.w3.org/2000/svg");
  });

  it("are paths at their places", () => {
    const parent = group();
    const painter = new SvgPainter(parent);
    painter.path("M0,0L1,1", 10, 20, "red");
    painter.path("M0,0L1,1", 10, 20, "none", "blue", 0.5);
    expect([...parent.children].map(attributes)).toEqual([
      { d: "M0,0L1,1", transform: "translate(10,20)", fill: "red" },
      { d: "M0,0L1,1", transform: "translate(10,20)", fill: "none", stroke: "blue", opacity: "0.5" },
    ]);
  });

  it("show nothing beyond what clips them, and only within it", () => {
    const parent = group();
    const painter = new SvgPainter(parent);
    painter.clip(1, 2, 3, 4, () => painter.rect(0, 0, 9, 9, "red"));
    painter.rect(5, 5, 1, 1, "blue");
    const [clip, clipped, after, ...others] = [...parent.children];
    expect(clip?.localName.toLowerCase()).toBe("clippath");
    expect(attributes(clip?.children[0])).toEqual({ x: "1", y: "2", width: "3", height: "4" });
    expect(clipped?.getAttribute("clip-path")).toBe(`url(#${clip?.id})`);
    expect(attributes(clipped?.children[0])).toMatchObject({ fill: "red" });
    expect([attributes(after).fill, others]).toEqual(["blue", []]);
  });

  it("have ids of their own in each picture", () => {
    const ids = [group(), group()].map((parent) => {
      const painter = new SvgPainter(parent);
      painter.clip(0, 0, 1, 1, () => undefined);
      painter.clip(0, 0, 1, 1, () => undefined);
      return [...parent.children].filter(({ id }) => id).map(({ id }) => id);
    });
    expect(new Set(ids.flat()).size).toBe(4);
  });

  it("are painted again as the canvas was painted last", () => {
    const canvas = document.createElement("canvas");
    expect(paintingOf(canvas)).toBeUndefined();
    const parent = group();
    remember(canvas, (painter) => painter.rect(0, 0, 1, 1, "red"));
    remember(canvas, (painter) => painter.rect(0, 0, 1, 1, "blue"));
    paintingOf(canvas)?.(new SvgPainter(parent));
    expect([...parent.children].map((child) => child.getAttribute("fill"))).toEqual(["blue"]);
  });
});
