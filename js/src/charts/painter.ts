/** Marks, on a canvas for the screen or as elements of an SVG to keep. */

export interface Painter {
  rect(x: number, y: number, width: number, height: number, colour: string, alpha?: number): void;
  /** A shape given as SVG path data around the origin, moved to (x, y). */
  path(d: string, x: number, y: number, fill: string, stroke?: string, alpha?: number): void;
  /** Draw so that nothing shows beyond a rectangle. */
  clip(x: number, y: number, width: number, height: number, draw: () => void): void;
}

const NAMESPACE = "http://www.w3.org/2000/svg";

export class CanvasPainter implements Painter {
  private readonly shapes = new Map<string, Path2D>();

  constructor(private readonly context: CanvasRenderingContext2D) {}

  rect(x: number, y: number, width: number, height: number, colour: string, alpha = 1): void {
    this.context.globalAlpha = alpha;
    this.context.fillStyle = colour;
    this.context.fillRect(x, y, width, height);
  }

  path(d: string, x: number, y: number, fill: string, stroke?: string, alpha = 1): void {
    const { context } = this;
    let shape = this.shapes.get(d);
    if (!shape) {
      shape = new Path2D(d);
      this.shapes.set(d, shape);
    }
    context.globalAlpha = alpha;
    context.translate(x, y);
    if (fill !== "none") {
      context.fillStyle = fill;
      context.fill(shape);
    }
    if (stroke !== undefined) {
      context.strokeStyle = stroke;
      context.stroke(shape);
    }
    context.translate(-x, -y);
  }

  clip(x: number, y: number, width: number, height: number, draw: () => void): void {
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
    draw();
    this.context.restore();
  }
}

export class SvgPainter implements Painter {
  private clips = 0;

  constructor(private parent: SVGElement) {}

  rect(x: number, y: number, width: number, height: number, colour: string, alpha = 1): void {
    this.add("rect", { x, y, width, height, fill: colour, ...opacity(alpha) });
  }

  path(d: string, x: number, y: number, fill: string, stroke?: string, alpha = 1): void {
    this.add("path", { d, transform: `translate(${x},${y})`, fill, ...(stroke && { stroke }), ...opacity(alpha) });
  }

  clip(x: number, y: number, width: number, height: number, draw: () => void): void {
    // Several pictures may share a page, and their ids with it.
    const id = `wsw-clip-${crypto.getRandomValues(new Uint32Array(1))[0]}-${this.clips++}`;
    const outer = this.parent;
    this.parent = this.add("clipPath", { id });
    this.add("rect", { x, y, width, height });
    this.parent = outer;
    this.parent = this.add("g", { "clip-path": `url(#${id})` });
    draw();
    this.parent = outer;
  }

  private add(name: string, attributes: Record<string, string | number>): SVGElement {
    const element = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes))
      element.setAttribute(key, typeof value === "number" ? String(Number(value.toFixed(2))) : value);
    this.parent.append(element);
    return element;
  }
}

const opacity = (alpha: number): Record<string, number> => (alpha === 1 ? {} : { opacity: alpha });

const painted = new WeakMap<HTMLCanvasElement, (painter: Painter) => void>();

/** Say how a canvas was painted, so that it can be painted again as something else. */
export function remember(canvas: HTMLCanvasElement, paint: (painter: Painter) => void): void {
  painted.set(canvas, paint);
}

/** How a canvas was painted last. */
export const paintingOf = (canvas: HTMLCanvasElement): ((painter: Painter) => void) | undefined => painted.get(canvas);
