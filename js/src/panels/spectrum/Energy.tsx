/** How much of the energy the strongest directions hold together, and the energy line that truncates. */

import { scaleLinear, scaleLog } from "d3-scale";
import { useRef } from "preact/hooks";
import { Axes } from "../../charts/Axes";
import { useSize } from "../../charts/size";
import { cumulativeEnergy } from "../../domain/energy";
import { formatCount } from "../../domain/format";
import { useView } from "../../state/context";
import { say } from "../../text/messages";
import { EnergyLine } from "./EnergyLine";
import { MARGIN } from "./parts";
import type { Spectrum } from "./spectrum";

export function Energy({ main, spectra }: { main: Spectrum; spectra: Spectrum[] }) {
  const { store } = useView();
  const plot = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plot).value;
  const floor = height - MARGIN.bottom;
  const longest = Math.max(2, ...spectra.map(({ values }) => values.length));
  // Ranks that are worth a truncation are small ones.
  const x = scaleLog([1, longest], [MARGIN.left + 4, width - MARGIN.right]);
  const y = scaleLinear([0, 100], [floor, MARGIN.top]);
  const ranks = powersOfTwo(longest, Math.max(2, Math.floor(width / 40)));
  return (
    <div class="wsw-plot" ref={plot}>
      {width > 0 && (
        <svg class="wsw-layer wsw-cumulative" width={width} height={height} aria-label={say("page.energyLine")}>
          <g>
            <Axes
              x={{
                ticks: ranks.map((value) => ({ value, label: formatCount(value) })),
                position: x,
                title: say("page.rankLog"),
              }}
              y={{
                ticks: y.ticks(5).map((value) => ({ value, label: String(value) })),
                position: y,
                title: say("page.cumulativeEnergy"),
              }}
              width={width}
              height={height}
              margin={MARGIN}
            />
            <line
              class="wsw-threshold-line"
              x1={MARGIN.left}
              x2={width - MARGIN.right}
              y1={y(100 * store.view.value.energy)}
              y2={y(100 * store.view.value.energy)}
            />
            {spectra.map(({ row, values, colour }) => (
              <path
                key={row}
                class={row === main.row ? "wsw-line" : "wsw-series"}
                style={{ stroke: colour }}
                d={`M${Array.from(cumulativeEnergy(values), (kept, at) => `${x(at + 1).toFixed(2)},${y(100 * kept).toFixed(2)}`).join("L")}`}
                data-row={row}
              />
            ))}
          </g>
          {main.values.length > 1 && (
            <EnergyLine
              spectrum={main.values}
              x={x}
              ends={[x(1), x(main.values.length)]}
              top={MARGIN.top}
              floor={floor}
            />
          )}
        </svg>
      )}
    </div>
  );
}

/** 1, 2, 4 … as far as they go, every second or third of them where there is room for no more than `count`. */
function powersOfTwo(most: number, count: number): number[] {
  const exponents = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, exponent) => exponent);
  const stride = Math.ceil(exponents.length / count);
  return exponents.filter((exponent) => exponent % stride === 0).map((exponent) => 2 ** exponent);
}
