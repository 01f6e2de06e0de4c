/** Shares of a whole as a ring, with its legend; a click on a part narrows to it. */

import { arc, pie } from "d3-shape";
import { formatCount } from "../domain/format";

export interface Part {
  key: string;
  label: string;
  count: number;
  /** Colour as a CSS value. */
  colour: string;
  pressed: boolean;
  onClick(): void;
  title: string;
}

const SIZE = 108;

export function Donut({ parts, label, unit }: { parts: Part[]; label: string; unit: string }) {
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  const slices = pie<Part>()
    .value(({ count }) => count)
    .sort(null)
    .padAngle(0.02)(parts.filter(({ count }) => count > 0));
  const ring = arc<(typeof slices)[number]>()
    .innerRadius(SIZE / 2 - 20)
    .outerRadius(SIZE / 2 - 2)
    .cornerRadius(2);
  return (
    <div class="wsw-donut">
      <svg
        class="wsw-picture"
        width={SIZE}
        height={SIZE}
        viewBox={`${-SIZE / 2} ${-SIZE / 2} ${SIZE} ${SIZE}`}
        role="img"
        aria-label={`${label}: ${parts.map(({ label, count }) => `${label} ${count}`).join(", ")}`}
      >
        {slices.map((slice) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: the legend's buttons do the same from the keyboard
          <path
            key={slice.data.key}
            class="wsw-slice"
            data-key={slice.data.key}
            d={ring(slice) ?? ""}
            fill={slice.data.colour}
            onClick={slice.data.onClick}
          >
            <title>{`${slice.data.label}: ${formatCount(slice.data.count)}`}</title>
          </path>
        ))}
        <text class="wsw-donut-total" text-anchor="middle" dy="0.1em">
          {formatCount(total)}
        </text>
        <text class="wsw-muted-text" text-anchor="middle" dy="1.5em">
          {unit}
        </text>
      </svg>
      <ul class="wsw-donut-legend">
        {parts.map(({ key, label, count, colour, pressed, onClick, title }) => (
          <li key={key}>
            <button type="button" class="wsw-class" aria-pressed={pressed} title={title} onClick={onClick}>
              <i class="wsw-level wsw-level-first" style={{ background: colour }} />
              {label} <b>{formatCount(count)}</b>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
