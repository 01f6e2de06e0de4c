/** Labels beside points, placed so that they cover neither each other nor the frame. */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Labelled {
  x: number;
  y: number;
  width: number;
}

const overlaps = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/**
 * Place each label right, left, above or below its point, whichever is free first; one that finds no place is left out.
 * The first labels are the most important.
 */
export function placeLabels(points: Labelled[], frame: Box, height: number, distance: number): (Box | null)[] {
  const marks = points.map(({ x, y }) => ({ x: x - 4, y: y - 4, width: 8, height: 8 }));
  const taken: Box[] = [];
  return points.map(({ x, y, width }, index) => {
    const candidates: Box[] = [
      { x: x + distance, y: y - height / 2, width, height },
      { x: x - distance - width, y: y - height / 2, width, height },
      { x: x - width / 2, y: y - distance - height, width, height },
      { x: x - width / 2, y: y + distance, width, height },
      { x: x + distance * 0.7, y: y - height - distance * 0.5, width, height },
      { x: x - distance * 0.7 - width, y: y - height - distance * 0.5, width, height },
      { x: x + distance * 0.7, y: y + distance * 0.5, width, height },
      { x: x - distance * 0.7 - width, y: y + distance * 0.5, width, height },
    ];
    const free = candidates.find(
      (box) =>
        box.x >= frame.x &&
        box.y >= frame.y &&
        box.x + box.width <= frame.x + frame.width &&
        box.y + box.height <= frame.y + frame.height &&
        !taken.some((other) => overlaps(box, other)) &&
        !marks.some((mark, other) => other !== index && overlaps(box, mark)),
    );
    if (!free) return null;
    taken.push(free);
    return free;
  });
}
