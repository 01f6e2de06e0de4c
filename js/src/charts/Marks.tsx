/** The marks of a chart: a canvas that is painted anew when a signal that the painting reads changes. */

import { effect, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { prepare } from "./canvas";
import { useInView } from "./late";
import { CanvasPainter, type Painter, remember } from "./painter";
import type { Size } from "./size";

interface Props {
  size: ReadonlySignal<Size>;
  /** Must stay the same function while nothing but signals changes. */
  paint(painter: Painter, size: Size): void;
}

export function Marks({ size, paint }: Props) {
  const element = useRef<HTMLCanvasElement>(null);
  const inView = useInView(element); // what nobody sees is painted when somebody does

  useEffect(
    () =>
      effect(() => {
        const canvas = element.current;
        const { width, height } = size.value;
        if (!canvas || width === 0 || height === 0) return;
        remember(canvas, (painter) => paint(painter, size.peek()));
        if (!inView.value) return;
        const context = prepare(canvas, size.value);
        if (context) paint(new CanvasPainter(context), size.value);
      }),
    [size, paint, inView],
  );
  const { width, height } = size.value;
  return <canvas ref={element} class="wsw-canvas" style={{ width: `${width}px`, height: `${height}px` }} />;
}
