/** What holds of label boxes, wherever the points lie. */

import { describe, expect, it } from "vitest";
import { type Box, type Labelled, leader, type Point, placeLabels } from "../../../js/src/charts/labels";

const FRAME: Box = { x: 40, y: 22, width: 556, height: 240 };
const HEIGHT = 15;
const DISTANCE = 9;

/** Numbers that look random and are the same every time (Park & Miller 1988). */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 48271) % 2147483647;
    yield state / 2147483647;
  }
}

const scatter = (seed: number, count: number): Labelled[] => {
  const random = numbers(seed);
  const next = (low: number, high: number): number => low + (high - low) * random.next().value;
  return Array.from({ length: count }, () => ({ x: next(40, 596), y: next(22, 262), width: next(20, 120) }));
};

const apart = (a: Box, b: Box): boolean =>
  a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;

const inside = (box: Box): boolean =>
  box.x >= FRAME.x &&
  box.y >= FRAME.y &&
  box.x + box.width <= FRAME.x + FRAME.width &&
  box.y + box.height <= FRAME.y + FRAME.height;

const distance = ({ x, y }: Point, box: Box): number =>
  Math.hypot(Math.max(box.x - x, 0, x - box.x - box.width), Math.max(box.y - y, 0, y - box.y - box.height));

const place = (points: Labelled[]): (Box | null)[] => placeLabels(points, points, FRAME, HEIGHT, DISTANCE);

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "labels of scatter %d are inside, apart, their own size and near their points",
  (seed) => {
    const points = scatter(seed, 14);
    const boxes = place(points);
    expect(boxes).toHaveLength(points.length);
    boxes.forEach((box, index) => {
      const point = points[index] as Labelled;
      if (!box) return;
      expect([box.width, box.height, inside(box)]).toEqual([point.width, HEIGHT, true]);
      expect(distance(point, box)).toBeGreaterThan(0);
      expect(distance(point, box)).toBeLessThanOrEqual(3 * DISTANCE + 1e-9);
      for (const other of boxes.slice(index + 1)) if (other) expect(apart(box, other)).toBe(true);
    });
    expect(boxes.filter(Boolean).length).toBeGreaterThanOrEqual(12);
  },
);

describe("a label", () => {
  it.each([
    [
      "the corners",
      [
        [40, 22],
        [596, 22],
        [40, 262],
        [596, 262],
      ],
    ],
    [
      "the edges",
      [
        [40, 140],
        [596, 140],
        [300, 22],
        [300, 262],
      ],
    ],
  ] as [string, [number, number][]][])("finds its place at %s", (_, corners) => {
    const boxes = place(corners.map(([x, y]) => ({ x, y, width: 80 })));
    for (const box of boxes) expect(box && inside(box)).toBe(true);
  });

  it("that is wider than the frame is left out, and the next is not", () => {
    const [wide, next] = place([
      { x: 300, y: 100, width: 600 },
      { x: 300, y: 100, width: 60 },
    ]);
    expect(wide).toBeNull();
    expect(next && inside(next)).toBe(true);
  });

  it("gives way to the more important one at the same place", () => {
    const [first, second] = place([
      { x: 300, y: 140, width: 60 },
      { x: 300, y: 140, width: 60 },
    ]) as [Box, Box];
    expect(first).toEqual({ x: 309, y: 132.5, width: 60, height: 15 });
    expect(apart(first, second)).toBe(true);
  });

  it("is not placed where there are no points", () => {
    expect(place([])).toEqual([]);
  });
});

describe("a leader", () => {
  it.each([1, 2, 3])("begins off the mark, ends at the label and points from one to the other (%d)", (seed) => {
    const [point, ...others] = scatter(seed, 12) as [Labelled, ...Labelled[]];
    for (const { x, y, width } of others) {
      const box = { x, y, width, height: HEIGHT };
      const line = leader(point, box, DISTANCE);
      if (distance(point, box) > DISTANCE + 4) expect(line).not.toBeNull();
      if (!line) continue;
      const [from, to] = line;
      expect(distance(to, box)).toBe(0);
      expect(Math.hypot(from.x - point.x, from.y - point.y)).toBeCloseTo(0.7 * DISTANCE, 9);
      const cross = (from.x - point.x) * (to.y - point.y) - (from.y - point.y) * (to.x - point.x);
      expect(cross).toBeCloseTo(0, 6);
    }
  });
});
