/** A panel as a picture that stands alone: what is drawn, what is written, and nothing that is only for the pointer. */

import { paintingOf, SvgPainter } from "../charts/painter";

const NAMESPACE = "http://www.w3.org/2000/svg";

/** What of a style an SVG needs to look the same elsewhere. */
const PROPERTIES = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "opacity", "paint-order"],
  ...["font-family", "font-size", "font-weight", "text-anchor"],
];

/** Parts that serve the pointer, not the reader. */
const TOOLS =
  ".wsw-controls, .wsw-tooltip, .wsw-surface, .wsw-hidden, .wsw-explain, .wsw-threshold-handle, input, select";

export function panelSvg(panel: HTMLElement): SVGSVGElement {
  const { width, height } = panel.getBoundingClientRect();
  const picture = element("svg", {
    xmlns: NAMESPACE,
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
  }) as SVGSVGElement;
  const { backgroundColor } = getComputedStyle(panel.closest(".wsw-dashboard") ?? panel);
  picture.append(element("rect", { width, height, fill: backgroundColor }));
  copy(panel, panel.getBoundingClientRect(), picture);
  return picture;
}

/** Without characters that XML cannot hold, whatever names have. */
export const svgText = (picture: SVGSVGElement): string =>
  new XMLSerializer().serializeToString(picture).replace(/(?![\t\n\r])\p{Cc}|[\uFFFE\uFFFF]/gu, "\uFFFD");

/** Copy what a node shows, and all within it. */
function copy(node: Element, origin: DOMRect, into: SVGElement): void {
  if (node.matches(TOOLS)) return;
  const at = node.getBoundingClientRect();
  if (at.width === 0 && at.height === 0) return;
  const [x, y] = [at.left - origin.left, at.top - origin.top];
  if (node instanceof SVGSVGElement) {
    into.append(drawing(node, x, y, at));
    return;
  }
  if (node instanceof HTMLCanvasElement) {
    const group = element("g", { transform: `translate(${x},${y})` });
    into.append(group);
    paintingOf(node)?.(new SvgPainter(group));
    return;
  }
  const style = getComputedStyle(node);
  if (style.visibility === "hidden") return;
  // Only small marks, as those of legends, have a ground of their own in a panel.
  if (node.matches("i") && !/^(transparent|rgba\(0, 0, 0, 0\))$/.test(style.backgroundColor)) {
    const { width, height } = at;
    const rx = Math.min(Number.parseFloat(style.borderRadius) || 0, width / 2, height / 2);
    into.append(element("rect", { x, y, width, height, rx, fill: style.backgroundColor }));
  }
  const inner = /hidden|auto|scroll/.test(`${style.overflowX} ${style.overflowY}`) ? clipped(x, y, at) : null;
  if (inner) into.append(inner);
  // Within a nested picture places count from its corner.
  const start = inner ? at : origin;
  for (const child of node.childNodes) {
    if (child instanceof Element) copy(child, start, inner ?? into);
    else if (child.textContent?.trim()) write(child, style, start, inner ?? into);
  }
}

/** A picture within, which shows nothing beyond its edges. */
const clipped = (x: number, y: number, { width, height }: DOMRect): SVGElement =>
  element("svg", { x, y, width, height, overflow: "hidden" });

/** Write a text where it stands on the page, line by line. */
function write(node: ChildNode, style: CSSStyleDeclaration, origin: DOMRect, into: SVGElement): void {
  const range = document.createRange();
  range.selectNodeContents(node);
  const lines = linesOf(node, range);
  for (const { text, rect } of lines) {
    const line = element("text", {
      x: rect.left - origin.left,
      y: rect.top - origin.top + rect.height * 0.78,
      fill: style.color,
      "font-family": style.fontFamily,
      "font-size": style.fontSize,
      "font-weight": style.fontWeight,
    });
    line.textContent = text;
    into.append(line);
  }
}

function linesOf(node: ChildNode, range: Range): { text: string; rect: DOMRect }[] {
  const content = node.textContent ?? "";
  const rects = [...range.getClientRects()];
  if (rects.length <= 1) return rects.map((rect) => ({ text: content.trim(), rect }));
  // Broken over lines: each letter belongs to the line that it stands on.
  const lines: { text: string; rect: DOMRect }[] = [];
  for (let index = 0; index < content.length; index++) {
    range.setStart(node, index);
    range.setEnd(node, index + 1);
    const rect = range.getBoundingClientRect();
    const last = lines.at(-1);
    if (last && Math.abs(last.rect.top - rect.top) < 3) last.text += content[index];
    else if (rect.width > 0) lines.push({ text: content[index] as string, rect });
  }
  return lines;
}

function drawing(source: SVGSVGElement, x: number, y: number, { width, height }: DOMRect): SVGElement {
  const clone = source.cloneNode(true) as SVGSVGElement;
  const [originals, copies] = [
    [source, ...source.querySelectorAll("*")],
    [clone, ...clone.querySelectorAll("*")],
  ];
  copies.forEach((part, index) => {
    const style = getComputedStyle(originals[index] as Element);
    for (const property of PROPERTIES) {
      const value = style.getPropertyValue(property);
      if (value) part.setAttribute(property, value);
    }
    for (const name of ["class", "style", "role", "tabindex", ...part.getAttributeNames()])
      if (/^(class|style|role|tabindex|aria-.*|data-(?!row$).*)$/.test(name)) part.removeAttribute(name);
  });
  for (const [index, original] of originals.entries())
    if (original.matches(TOOLS) || original.localName === "title") copies[index]?.remove();
  for (const [name, value] of Object.entries({ x, y, width, height })) clone.setAttribute(name, round(value));
  clone.setAttribute("overflow", "visible");
  return clone;
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(NAMESPACE, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) {
    if (key !== "xmlns") made.setAttribute(key, typeof value === "number" ? round(value) : value);
  }
  return made;
}

const round = (value: number): string => String(Number(value.toFixed(2)));
