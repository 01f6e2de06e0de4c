import { scaleLinear, scaleSymlog } from "d3-scale";
import { describe, expect, it } from "vitest";
import { type Box, leader, placeLabels } from "../../../js/src/charts/labels";
import { logTicks, symlogPercentTicks } from "../../../js/src/charts/ticks";

const labels = (ticks: { label: string }[]) => ticks.map(({ label }) => label);

describe("ticks of a log axis", () => {
  it.each([
    [[1, 1000], 9, ["1", "10", "100", "1000"]],
    [[0.7, 20], 9, ["1", "10"]],
    [[1e-9, 1], 4, ["10⁻⁹", "10⁻⁶", "10⁻³", "1"]],
    [[30, 70], 5, ["30", "40", "50", "60", "70"]],
    [[1.5, 6], 5, ["2", "5"]],
    [[2e5, 6e5], 5, ["2×10⁵", "5×10⁵"]],
  ] as [[number, number], number, string[]][])("%j in %d are %j", (domain, count, shown) => {
    expect(labels(logTicks(domain, count))).toEqual(shown);
  });

  it("lie within the axis", () => {
    for (const { value } of logTicks([3e-7, 4e11], 6)) expect(value > 3e-7 && value < 4e11).toBe(true);
  });
});

describe("ticks of a percentage axis with a zero", () => {
  const axis = (high: number, width: number) => scaleSymlog().constant(0.01).domain([0, high]).range([0, width]);

  it("begin at zero, take decades before halves, and keep their distance", () => {
    const scale = axis(20, 400);
    const ticks = symlogPercentTicks([0, 20], scale, 34);
    expect(labels(ticks).slice(0, 2)).toEqual(["0", "0.01"]);
    expect(labels(ticks)).toEqual(expect.arrayContaining(["0.1", "1", "10"]));
    const gaps = ticks.slice(1).map(({ value }, index) => scale(value) - scale(ticks[index]?.value ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(34);
  });

  it("find something to say of a view that holds no decade", () => {
    const scale = scaleLinear([2.1, 2.4], [0, 400]);
    expect(symlogPercentTicks([2.1, 2.4], scale, 34).length).toBeGreaterThanOrEqual(3);
  });
});

describe("labels", () => {
  const FRAME: Box = { x: 0, y: 0, width: 400, height: 300 };
  const place = (points: { x: number; y: number }[], marks = points) =>
    placeLabels(
      points.map((point) => ({ ...point, width: 60 })),
      marks,
      FRAME,
      15,
      9,
    );
  const overlap = (a: Box, b: Box) =>
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

  it("stand to the right, level with the mark, where there is room", () => {
    expect(place([{ x: 100, y: 100 }])).toEqual([{ x: 109, y: 92.5, width: 60, height: 15 }]);
  });

  it("stay inside the frame", () => {
    expect(place([{ x: 395, y: 100 }])).toEqual([{ x: 326, y: 92.5, width: 60, height: 15 }]);
  });

  it("never cover each other, nor more than one mark, in a crowd", () => {
    // A spiral: crowded within, free without.
    const crowd = Array.from({ length: 60 }, (_, index) => ({
      x: 200 + index * 2.2 * Math.cos(index * 2.4),
      y: 150 + index * 2.2 * Math.sin(index * 2.4),
    }));
    const boxes = place(crowd).filter((box) => box !== null);
    expect(boxes.length).toBeGreaterThan(5);
    boxes.forEach((box, index) => {
      expect(boxes.slice(index + 1).some((other) => overlap(box, other))).toBe(false);
      const covered = crowd.filter(({ x, y }) => overlap(box, { x: x - 4, y: y - 4, width: 8, height: 8 }));
      expect(covered.length).toBeLessThanOrEqual(1);
    });
  });

  it("are left out where only the more important has room", () => {
    const marks = Array.from({ length: 2000 }, (_, index) => ({ x: (index % 50) * 8, y: Math.floor(index / 50) * 8 }));
    expect(place([{ x: 200, y: 150 }], marks)).toEqual([null]);
  });

  it("are led to where they stand off, and not where they are beside", () => {
    const beside = { x: 109, y: 92, width: 60, height: 15 };
    expect(leader({ x: 100, y: 100 }, beside, 9)).toBeNull();
    const away = { x: 100, y: 140, width: 60, height: 15 };
    const [from, to] = leader({ x: 100, y: 100 }, away, 9) ?? [];
    expect(to).toEqual({ x: 100, y: 143 });
    expect(from?.x).toBe(100);
    expect(from?.y).toBeCloseTo(106.3, 9);
  });
});
