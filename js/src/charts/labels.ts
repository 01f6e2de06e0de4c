/** Labels beside points, placed so that they cover neither each other nor the frame. */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Labelled extends Point {
  width: number;
}

const overlaps = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/**
 * Place each label beside its point: inside the frame, clear of the other labels, over as few marks as can be.  One that
 * finds no such place is left out.  The first labels are the most important.
 */
export function placeLabels(
  points: Labelled[],
  marks: Point[],
  frame: Box,
  height: number,
  distance: number,
): (Box | null)[] {
  const taken: Box[] = [];
  return points.map((point) => {
    const candidates = [...around(point, height, distance), ...around(point, height, FAR * distance)];
    const free = candidates.filter((box) => contains(frame, box) && !taken.some((other) => overlaps(box, other)));
    const covered = free.map((box) => marks.filter((mark) => overlaps(box, markBox(mark))).length);
    const least = Math.min(...covered);
    const best = free[covered.indexOf(least)];
    if (!best || least > MOST_COVERED) return null;
    taken.push(best);
    return best;
  });
}

/** Where the near places cover marks, places this many times as far are tried. */
const FAR = 3;

/** A label over more marks than this would hide more than it says. */
const MOST_COVERED = 1;

/** Right, left, above and below the point, then the corners. */
function around({ x, y, width }: Labelled, height: number, distance: number): Box[] {
  const near = distance * 0.7;
  const [left, right] = [x - width, x];
  return [
    { x: right + distance, y: y - height / 2, width, height },
    { x: left - distance, y: y - height / 2, width, height },
    { x: x - width / 2, y: y - distance - height, width, height },
    { x: x - width / 2, y: y + distance, width, height },
    { x: right + near, y: y - height - near, width, height },
    { x: left - near, y: y - height - near, width, height },
    { x: right + near, y: y + near, width, height },
    { x: left - near, y: y + near, width, height },
  ];
}

/** A line from a point to its label, where the two are not side by side. */
export function leader({ x, y }: Point, box: Box, distance: number): [Point, Point] | null {
  const to = { x: clamp(x, box.x, box.x + box.width), y: clamp(y, box.y + 3, box.y + box.height - 3) };
  const length = Math.hypot(to.x - x, to.y - y);
  if (length <= distance + 4) return null;
  const start = (distance * 0.7) / length; // off the mark itself
  return [{ x: x + (to.x - x) * start, y: y + (to.y - y) * start }, to];
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

const markBox = ({ x, y }: Point): Box => ({ x: x - 4, y: y - 4, width: 8, height: 8 });

const contains = (frame: Box, box: Box): boolean =>
  box.x >= frame.x &&
  box.y >= frame.y &&
  box.x + box.width <= frame.x + frame.width &&
  box.y + box.height <= frame.y + frame.height;
