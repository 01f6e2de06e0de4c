/** How wide a text is, in the charts' type. */

const context = document.createElement("canvas").getContext("2d");
const widths = new Map<string, number>();

/** Pixels of a text of 11 px; an estimate where there is no canvas. */
export function textWidth(text: string): number {
  if (!context) return text.length * 6;
  let width = widths.get(text);
  if (width === undefined) {
    context.font = "11px system-ui, sans-serif";
    width = context.measureText(text).width;
    if (widths.size > 50_000) widths.clear();
    widths.set(text, width);
  }
  return width;
}

/** A text cut in its middle, so that its block and its kind stay, to at most so many pixels. */
export function shortened(text: string, room: number): string {
  if (textWidth(text) <= room) return text;
  const letters = [...text];
  const cut = (kept: number): string =>
    `${letters.slice(0, Math.ceil(kept / 2)).join("")}…${letters.slice(letters.length - Math.floor(kept / 2)).join("")}`;
  let [low, high] = [1, Math.min(letters.length - 1, 400)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (textWidth(cut(middle)) <= room) low = middle;
    else high = middle - 1;
  }
  return cut(low);
}
