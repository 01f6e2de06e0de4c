/** Where layers lie on the map, for the architectures that there are. */

import { describe, expect, it } from "vitest";
import { type Grid, arrange as lay, type Placed, place } from "../../../js/src/panels/layerMap/arrange";
import { createStore } from "../../../js/src/state/store";
import { Kernel } from "../kernel";

interface Part {
  kind: string;
  block?: number;
  stack?: string;
}

function arrange(parts: Part[]): Grid[] {
  const kernel = new Kernel(
    parts.map(({ kind, block }, row) => ({
      name: `layer ${row}`,
      kind,
      values: { parameters: 1, block: block ?? Number.NaN },
    })),
  );
  kernel.change("_catalog", { ...kernel.get("_catalog"), stacks: parts.map(({ stack }) => stack ?? "") });
  const { catalog, table } = createStore(kernel);
  return lay(catalog.value, table.value);
}

/** As many blocks, each of the same kinds. */
const blocks = (count: number, kinds: string[], stack = ""): Part[] =>
  Array.from({ length: count }, (_, block) => kinds.map((kind) => ({ kind, block, stack }))).flat();

const LLAMA = ["q", "k", "v", "o", "gate", "up", "down"];
const MIXTRAL = ["q", "k", "v", "o", "router", ...Array.from({ length: 8 }, () => ["gate", "down", "up"]).flat()];
const MODELS: Record<string, Part[]> = {
  "GPT-2": [{ kind: "embed" }, { kind: "pos_embed" }, ...blocks(12, ["qkv", "o", "up", "down"])],
  Llama: [{ kind: "embed" }, ...blocks(32, LLAMA), { kind: "lm_head" }],
  "Llama of 126 blocks": [{ kind: "embed" }, ...blocks(126, LLAMA), { kind: "lm_head" }],
  BERT: [
    ...["embed", "pos_embed", "type_embed"].map((kind) => ({ kind })),
    ...blocks(12, ["q", "k", "v", "o", "up", "down"]),
    { kind: "pooler" },
  ],
  T5: [
    { kind: "embed" },
    ...blocks(6, ["q", "k", "v", "o", "up", "down"], "encoder"),
    ...blocks(6, ["q", "k", "v", "o", "cross_q", "cross_k", "cross_v", "cross_o", "up", "down"], "decoder"),
  ],
  Mixtral: [{ kind: "embed" }, ...blocks(32, MIXTRAL), { kind: "lm_head" }],
  "a thousand blocks": blocks(1000, ["up", "down"]),
  "384 experts": blocks(61, ["o", ...Array.from({ length: 384 }, () => "up")]),
  CNN: Array.from({ length: 53 }, () => ({ kind: "conv" })),
  "10,000 loose layers": Array.from({ length: 10_000 }, () => ({ kind: "other" })),
  "10,000 layers in blocks": blocks(
    100,
    Array.from({ length: 100 }, (_, kind) => `kind ${kind}`),
  ),
  "one layer": [{ kind: "other" }],
  nothing: [],
};

/** By kind and block, the layers there. */
function cells(grid: Grid): Record<string, number[]> {
  return Object.fromEntries(
    grid.cells.map(({ across, down, layers }) => [`${grid.kinds[down]} ${grid.blocks[across]}`, layers]),
  );
}

describe("the grids", () => {
  it("of GPT-2 are its blocks, and its embeddings outside them", () => {
    const [body, rest, ...others] = arrange(MODELS["GPT-2"] as Part[]) as [Grid, Grid];
    expect([body.kinds, body.blocks]).toEqual([
      ["qkv", "o", "up", "down"],
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    ]);
    // Two embeddings come first; then four layers for each block.
    expect(cells(body)).toMatchObject({ "qkv 0": [2], "o 0": [3], "down 0": [5], "qkv 1": [6], "down 11": [49] });
    expect([rest.loose, rest.cells.map(({ layers }) => layers)]).toEqual([true, [[0], [1]]]);
    expect([body.cells.length, others]).toEqual([48, []]);
  });

  it("have kinds in the order of a forward pass, and unknown ones after them as the model has them", () => {
    const kinds = ["zeta", "down", "gate", "alpha", "up", "o", "v", "k", "q", "router"];
    expect(arrange(blocks(2, kinds))[0]?.kinds).toEqual([
      ...["q", "k", "v", "o", "router", "gate", "up", "down", "zeta", "alpha"],
    ]);
  });

  it("of T5 are one for each stack, and one for what they share", () => {
    const grids = arrange(MODELS.T5 as Part[]);
    expect(grids.map(({ stack, loose, cells }) => [stack, loose, cells.length])).toEqual([
      ["encoder", false, 36],
      ["decoder", false, 60],
      ["", true, 1],
    ]);
    expect(cells(grids[1] as Grid)).toMatchObject({ "q 0": [37], "cross_q 0": [41], "down 5": [96] });
  });

  it("of Mixtral have the experts of a block in one cell", () => {
    const [body] = arrange(MODELS.Mixtral as Part[]) as [Grid];
    expect(body.kinds).toEqual(["q", "k", "v", "o", "router", "gate", "up", "down"]);
    // 1 + 29 · block; five layers and then eight times gate, down, up.
    expect(cells(body)["gate 0"]).toEqual([6, 9, 12, 15, 18, 21, 24, 27]);
    expect(cells(body)["up 1"]).toEqual([6, 9, 12, 15, 18, 21, 24, 27].map((row) => row + 2 + 29));
    expect(cells(body)["router 31"]).toEqual([1 + 29 * 31 + 4]);
  });

  it("have columns for the blocks that there are, in the order of their numbers", () => {
    const [body] = arrange([10, 2, 33, 2].map((block) => ({ kind: "up", block }))) as [Grid];
    expect(body.blocks).toEqual([2, 10, 33]);
    expect(cells(body)).toEqual({ "up 2": [1, 3], "up 10": [0], "up 33": [2] });
  });

  it("of a CNN without blocks are one, in the model's order", () => {
    const grids = arrange(MODELS.CNN as Part[]);
    expect(grids).toHaveLength(1);
    expect(grids[0]?.cells.map(({ layers }) => layers)).toEqual(Array.from({ length: 53 }, (_, row) => [row]));
  });

  it("of nothing are none", () => {
    expect(arrange([])).toEqual([]);
    expect(place([], 600, 300, 12)).toEqual({ grids: [], tiles: [], height: 0 });
  });
});

/** Whether two tiles share a place, looked up on sorted lines: pairs of ten thousand would be too many. */
function overlaps({ tiles }: Placed): [number, number][] {
  const sorted = [...tiles].sort((a, b) => a.x - b.x);
  const found: [number, number][] = [];
  sorted.forEach((tile, index) => {
    for (let next = index + 1; next < sorted.length; next++) {
      const other = sorted[next] as typeof tile;
      if (other.x >= tile.x + tile.width - 1e-9) break;
      if (other.y < tile.y + tile.height - 1e-9 && tile.y < other.y + other.height - 1e-9)
        found.push([tile.row, other.row]);
    }
  });
  return found;
}

describe.each(Object.entries(MODELS))("the tiles of %s", (_, parts) => {
  it.each([
    [600, 300],
    [280, 340],
    [1600, 900],
  ])("stand for every layer once, apart from each other, within %i × %i", (width, height) => {
    const gutter = 60;
    const placed = place(arrange(parts), width, height, gutter);
    expect(placed.tiles.map(({ row }) => row).sort((a, b) => a - b)).toEqual(parts.map((_, row) => row));
    expect(overlaps(placed)).toEqual([]);
    const outside = placed.tiles.filter(
      (tile) =>
        tile.x < gutter ||
        tile.x + tile.width > width ||
        tile.y < 0 ||
        tile.y + tile.height > placed.height ||
        !(tile.width > 0 && tile.height > 0),
    );
    expect(outside).toEqual([]);
  });
});

it("loose layers wrap at the width, in the model's order", () => {
  // 300 wide without 20 before and 8 after: 272, or 13 cells of at least 20.
  const { tiles, grids } = place(arrange(MODELS.CNN as Part[]), 300, 340, 20);
  const lines = new Map<number, number[]>();
  for (const { row, y } of tiles) lines.set(y, [...(lines.get(y) ?? []), row]);
  expect([...lines.values()].map(({ length }) => length)).toEqual([13, 13, 13, 13, 1]);
  expect([...lines.values()].flat()).toEqual(Array.from({ length: 53 }, (_, row) => row));
  expect(grids[0]?.columns).toBe(13);
});

it("experts share a cell as squarely as it goes", () => {
  const [body] = place(arrange(MODELS.Mixtral as Part[]).slice(0, 1), 1600, 900, 60).grids as [Placed["grids"][0]];
  // 1600 − 60 − 8 over 32 blocks, 72 at most; 34 high at most: a cell inside of 46.875 × 33.
  expect([body.cellWidth, body.cellHeight]).toEqual([47.875, 34]);
  const experts = cells(body)["gate 0"] as number[];
  const { tiles } = place([body], 1600, 900, 60);
  const corners = experts.map((row) => tiles.find((tile) => tile.row === row) as { x: number; y: number });
  expect([new Set(corners.map(({ x }) => x)).size, new Set(corners.map(({ y }) => y)).size]).toEqual([3, 3]);
});
