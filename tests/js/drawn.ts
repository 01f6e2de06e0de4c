/** What charts painted, mark by mark, and the pointer over them. */

import { paintingOf, SvgPainter } from "../../js/src/charts/painter";
import type { Mounted } from "./page";

export interface Drawn {
  place: [number, number];
  size: [number, number];
  colour: string | null;
  alpha: number;
}

/** The rectangles that a chart's canvas was painted with, in order; those that clip are not among them. */
export function drawn(page: Mounted, within = ""): Drawn[] {
  const group = document.createElementNS("http://www.w3.org/2000/svg", "g") as SVGElement;
  paintingOf(page.find<HTMLCanvasElement>(`${within} canvas`))?.(new SvgPainter(group));
  return [...group.querySelectorAll("rect")]
    .filter(({ parentElement }) => parentElement?.localName.toLowerCase() !== "clippath")
    .map((tile) => {
      const of = (name: string) => Number(tile.getAttribute(name));
      return {
        place: [of("x"), of("y")],
        size: [of("width"), of("height")],
        colour: tile.getAttribute("fill"),
        alpha: Number(tile.getAttribute("opacity") ?? 1),
      };
    });
}

export const pointAt = (
  page: Mounted,
  element: Element,
  type: string,
  [clientX, clientY]: [number, number],
  more: PointerEventInit = {},
): Promise<void> =>
  page.after(() => element.dispatchEvent(new PointerEvent(type, { clientX, clientY, bubbles: true, ...more })));

/** Press at a place, move over others, and let go at the last unless it is to be held. */
export async function drag(
  page: Mounted,
  element: Element,
  places: [number, number][],
  { hold = false } = {},
): Promise<void> {
  const [start, ...others] = places as [[number, number], ...[number, number][]];
  await pointAt(page, element, "pointerdown", start, { button: 0, buttons: 1 });
  for (const place of others) await pointAt(page, element, "pointermove", place, { buttons: 1 });
  if (!hold) await pointAt(page, element, "pointerup", places.at(-1) as [number, number]);
}
