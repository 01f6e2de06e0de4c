/** Where each layer lies on the map: blocks across, kinds downwards, a grid per stack, and a place for all others. */

import type { Catalog, Table } from "../../wire/model";

/** Layers that share a block and a kind, as the experts of a layer do. */
export interface Cell {
  /** Column and row within the grid. */
  across: number;
  down: number;
  layers: number[];
}

export interface Grid {
  stack: string;
  /** Names of the columns; empty for the layers outside blocks, which simply follow each other. */
  blocks: number[];
  kinds: string[];
  cells: Cell[];
  /** Whether the cells are layers in the model's order, wrapped, with no meaning across and downwards. */
  loose: boolean;
}

/** Kinds in the order in which a forward pass meets them; those not listed follow as the model has them. */
const ORDER = [
  ...["embed", "pos_embed", "type_embed", "qkv", "q", "k", "v", "q_a", "q_b", "kv_a", "kv_b", "o"],
  ...["cross_qkv", "cross_q", "cross_k", "cross_v", "cross_o", "router", "gate_up", "gate", "up", "down"],
];

export function arrange(catalog: Catalog, table: Table): Grid[] {
  const { names, stacks, kinds } = catalog;
  const blocks = table.column("block");
  const loose: number[] = [];
  const byStack = new Map<string, number[]>();
  for (let row = 0; row < names.length; row++) {
    if (Number.isNaN(blocks[row])) loose.push(row);
    else {
      const stack = stacks[row] as string;
      const rows = byStack.get(stack);
      if (rows) rows.push(row);
      else byStack.set(stack, [row]);
    }
  }
  const grids = [...byStack].map(([stack, rows]): Grid => {
    const columns = [...new Set(rows.map((row) => blocks[row] as number))].sort((a, b) => a - b);
    const found = [...new Set(rows.map((row) => kinds[row] as string))];
    const rank = (kind: string): number =>
      ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length + found.indexOf(kind);
    const lines = found.sort((a, b) => rank(a) - rank(b));
    const [columnOf, lineOf] = [indexOf(columns), indexOf(lines)];
    const cells = new Map<number, Cell>();
    for (const row of rows) {
      const across = columnOf.get(blocks[row] as number) as number;
      const down = lineOf.get(kinds[row] as string) as number;
      const key = down * columns.length + across;
      const cell = cells.get(key);
      if (cell) cell.layers.push(row);
      else cells.set(key, { across, down, layers: [row] });
    }
    return { stack, blocks: columns, kinds: lines, cells: [...cells.values()], loose: false };
  });
  if (loose.length > 0)
    grids.push({
      stack: "",
      blocks: [],
      kinds: [],
      cells: loose.map((row, index) => ({ across: index, down: 0, layers: [row] })),
      loose: true,
    });
  return grids;
}

const indexOf = <T>(values: T[]): Map<T, number> => new Map(values.map((value, index) => [value, index]));

/** A rectangle on the map that stands for one layer. */
export interface Tile {
  row: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface PlacedGrid extends Grid {
  x: number;
  y: number;
  cellWidth: number;
  cellHeight: number;
  /** How many loose cells stand side by side; of a grid the number of its blocks. */
  columns: number;
}

export interface Placed {
  grids: PlacedGrid[];
  tiles: Tile[];
  height: number;
}

const HEADING = 18; // above each grid, for its name
const FOOT = 18; // below a grid, for the numbers of its blocks
const LOOSE = 20; // the least width of a loose cell: those that have no more room wrap
const WIDEST = 72;
const [LOWEST, HIGHEST] = [9, 34];
const CELL_GAP = 1;

/** Lay the grids below each other over a width, in about the height there is. */
export function place(grids: Grid[], width: number, height: number, gutter: number): Placed {
  const lines = grids.reduce((sum, grid) => sum + (grid.loose ? 1 : grid.kinds.length), 0);
  const room = height - grids.length * HEADING - grids.filter(({ loose }) => !loose).length * FOOT;
  const cellHeight = Math.max(LOWEST, Math.min(HIGHEST, Math.floor(room / Math.max(1, lines))));
  const across = Math.max(1, width - gutter - 8);
  let y = 0;
  const tiles: Tile[] = [];
  const placed = grids.map((grid): PlacedGrid => {
    y += HEADING;
    const wanted = grid.loose ? grid.cells.length : grid.blocks.length;
    const columns = grid.loose ? Math.max(1, Math.min(wanted, Math.floor(across / LOOSE))) : wanted;
    // However narrow: what does not fit would be out of sight, and out of reach.
    const cellWidth = Math.min(WIDEST, across / columns);
    const result: PlacedGrid = { ...grid, x: gutter, y, cellWidth, cellHeight, columns };
    for (const cell of grid.cells) {
      const column = grid.loose ? cell.across % columns : cell.across;
      const line = grid.loose ? Math.floor(cell.across / columns) : cell.down;
      split(cell.layers, gutter + column * cellWidth, y + line * cellHeight, cellWidth, cellHeight, tiles);
    }
    const deep = grid.loose ? Math.ceil(wanted / columns) : grid.kinds.length;
    y += deep * cellHeight + (grid.loose ? 6 : FOOT);
    return result;
  });
  return { grids: placed, tiles, height: y };
}

/** Share a cell among its layers, as squarely as it goes. */
function split(layers: number[], x: number, y: number, width: number, height: number, tiles: Tile[]): void {
  const [inner, deep] = [width - Math.min(CELL_GAP, width / 3), Math.max(1, height - CELL_GAP)];
  const count = layers.length;
  let columns = Math.max(1, Math.min(count, Math.round(Math.sqrt((count * inner) / deep))));
  while (Math.ceil(count / columns) > deep && columns < count) columns++;
  const lines = Math.ceil(count / columns);
  const [wide, high] = [inner / columns, deep / lines];
  layers.forEach((row, index) => {
    tiles.push({
      row,
      x: x + (index % columns) * wide,
      y: y + Math.floor(index / columns) * high,
      width: columns > 1 && wide > 3 ? wide - 0.5 : wide,
      height: lines > 1 && high > 3 ? high - 0.5 : high,
    });
  });
}
