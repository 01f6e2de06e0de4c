/** A part of a drawing that is dragged along an axis. */

/** Follow a pointer that was pressed on a part of an SVG, telling its place along the axis, within the axis' ends. */
export function follow(
  event: PointerEvent,
  axis: "x" | "y",
  ends: readonly [number, number],
  moved: (position: number) => void,
): void {
  if (event.button !== 0) return;
  const handle = event.currentTarget as SVGElement;
  const svg = handle.ownerSVGElement as SVGSVGElement;
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const drag = ({ clientX, clientY }: PointerEvent): void => {
    const bounds = svg.getBoundingClientRect();
    const position = axis === "x" ? clientX - bounds.left : clientY - bounds.top;
    moved(Math.min(high, Math.max(low, position)));
  };
  const drop = (): void => {
    handle.removeEventListener("pointermove", drag);
    handle.removeEventListener("pointerup", drop);
    handle.removeEventListener("pointercancel", drop);
  };
  handle.setPointerCapture(event.pointerId);
  handle.addEventListener("pointermove", drag);
  handle.addEventListener("pointerup", drop);
  handle.addEventListener("pointercancel", drop);
  event.stopPropagation(); // what lies below is not dragged
}
