/** Regions drawn over a chart: a closed path, and whether a place lies within it. */

import type { Corner } from "./Surface";

/** Whether a place lies within a closed path (by the even–odd rule). */
export function insidePath([x, y]: Corner, path: readonly Corner[]): boolean {
  let inside = false;
  for (let index = 0, last = path.length - 1; index < path.length; last = index++) {
    const [[ax, ay], [bx, by]] = [path[index] as Corner, path[last] as Corner];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** The rectangle between two corners, as a path. */
export function boxOf([ax, ay]: Corner, [bx, by]: Corner): Corner[] {
  return [
    [ax, ay],
    [bx, ay],
    [bx, by],
    [ax, by],
  ];
}
