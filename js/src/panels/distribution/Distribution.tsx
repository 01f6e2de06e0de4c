/** The weight distribution of the selected layer, with linear and with logarithmic counts; of several, over each other. */

import { max } from "d3-array";
import { format } from "d3-format";
import { scaleLinear, scaleLog } from "d3-scale";
import { useRef, useState } from "preact/hooks";
import { Axes, type Margin } from "../../charts/Axes";
import { DistributionOverlay } from "../../charts/DistributionOverlay";
import { useAfterPaint } from "../../charts/late";
import { useSize } from "../../charts/size";
import { logTicks, type Tick } from "../../charts/ticks";
import { formatCount, formatNumber, formatTick } from "../../domain/format";
import { useView } from "../../state/context";
import type { Histogram } from "../../state/details";
import { say } from "../../text/messages";
import { Compared, layersOf } from "../../ui/compared";
import { LayerState } from "../../ui/LayerState";
import { Panel } from "../../ui/Panel";

const MARGIN: Margin = { top: 20, right: 12, bottom: 36, left: 42 };

export function Distribution() {
  const { store, scheme } = useView();
  const row = useAfterPaint(store.selected).value;
  const layers = layersOf(store, useAfterPaint(store.compared).value, scheme.value);
  const drawn = layers.flatMap(({ row, colour, detail }) =>
    detail.histogram ? [{ row, colour, histogram: detail.histogram }] : [],
  );
  const histogram = row === null ? null : store.detailOf(row).histogram;
  const label = row === null ? "" : (store.catalog.value.labels[row] ?? "");
  const broken = row !== null && store.judgements.value[row]?.risk === Number.POSITIVE_INFINITY;
  return (
    <Panel name="distribution" aside={<Compared layers={layers} />}>
      <LayerState
        row={row}
        ready={histogram !== null}
        method={(methods) => methods.some((method) => method !== "spectral")}
        absent={broken ? say("page.noneFinite") : say("page.notComputed")}
      >
        {() =>
          histogram &&
          (drawn.length > 1 ? (
            <figure class="wsw-pair" aria-label={say("page.distributionsAbout", { count: drawn.length })}>
              <DistributionOverlay layers={drawn} logarithmic={false} />
              <DistributionOverlay layers={drawn} logarithmic />
            </figure>
          ) : (
            <Charts histogram={histogram} label={label} />
          ))
        }
      </LayerState>
    </Panel>
  );
}

function Charts({ histogram, label }: { histogram: Histogram; label: string }) {
  const [pointed, setPointed] = useState<number | null>(null);
  const total = histogram.counts.reduce((sum, count) => sum + count, 0);
  const about = say("page.distributionAbout", {
    label,
    count: total,
    low: histogram.low,
    high: histogram.high,
  });
  return (
    <div class="wsw-pair" role="img" aria-label={about}>
      <Bars histogram={histogram} logarithmic={false} pointed={pointed} onPoint={setPointed} />
      <Bars histogram={histogram} logarithmic pointed={pointed} onPoint={setPointed} />
    </div>
  );
}

interface BarsProps {
  histogram: Histogram;
  logarithmic: boolean;
  pointed: number | null;
  onPoint(bin: number | null): void;
}

function Bars({ histogram, logarithmic, pointed, onPoint }: BarsProps) {
  const plot = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plot).value;
  const { counts } = histogram;
  const { low, high, unit } = rangeOf(histogram);
  const x = scaleLinear([low, high], [MARGIN.left, width - MARGIN.right]);
  const range = [height - MARGIN.bottom, MARGIN.top];
  const top = max(counts) ?? 1;
  // On the log axis a single weight must be visible, so its bar starts a little below one.
  const y = logarithmic ? scaleLog([0.7, top * 1.5], range) : scaleLinear([0, top * 1.04], range);
  const floor = range[0] as number;
  const edge = (bin: number): number => x(low + ((high - low) * bin) / counts.length);
  const outline = Array.from(
    counts,
    (count, bin) => `V${(count > 0 ? y(count) : floor).toFixed(2)}H${edge(bin + 1).toFixed(2)}`,
  );
  const counted: Tick[] = logarithmic
    ? logTicks([1, top * 1.5], Math.max(2, Math.floor(height / 36)))
    : y.ticks(Math.max(2, Math.floor(height / 40))).map((value) => ({ value, label: format("~s")(value) }));
  const yTicks = counted.filter(({ value }) => Number.isInteger(value));
  const xTicks = x
    .ticks(Math.max(2, Math.floor(width / 75)))
    .map((value) => ({ value, label: formatTick(value * unit) }));
  const bin = (event: PointerEvent): number | null => {
    const at = Math.floor(((x.invert(event.offsetX) - low) / (high - low)) * counts.length);
    return at >= 0 && at < counts.length ? at : null;
  };
  return (
    <div class="wsw-plot" ref={plot}>
      {width > 0 && (
        <svg
          class="wsw-layer wsw-histogram"
          width={width}
          height={height}
          aria-hidden="true"
          onPointerMove={(event) => onPoint(bin(event))}
          onPointerLeave={() => onPoint(null)}
        >
          <Axes
            x={{ ticks: xTicks, position: x, title: say("page.weight") }}
            y={{ ticks: yTicks, position: y, title: logarithmic ? say("page.countLog") : say("page.count") }}
            width={width}
            height={height}
            margin={MARGIN}
          />
          <path class="wsw-bars" d={`M${edge(0).toFixed(2)},${floor}${outline.join("")}V${floor}Z`} />
          {pointed !== null && (
            <rect
              class="wsw-pointed"
              x={edge(pointed)}
              width={Math.max(1, edge(pointed + 1) - edge(pointed))}
              y={MARGIN.top}
              height={floor - MARGIN.top}
            />
          )}
        </svg>
      )}
      {pointed !== null && !logarithmic && (
        <div class="wsw-readout">
          {say("page.bin", {
            low: formatNumber(unit * (low + ((high - low) * pointed) / counts.length)),
            high: formatNumber(unit * (low + ((high - low) * (pointed + 1)) / counts.length)),
            count: formatCount(counts[pointed] ?? 0),
          })}
        </div>
      )}
    </div>
  );
}

/** The range drawn, in a unit that keeps scales from overflowing; a constant tensor's is given some width. */
function rangeOf(histogram: Histogram): { low: number; high: number; unit: number } {
  const size = Math.max(Math.abs(histogram.low), Math.abs(histogram.high));
  const unit = size > 1e300 ? 1e300 : size > 0 && size < 1e-290 ? 1e-300 : 1;
  const [low, high] = [histogram.low / unit, histogram.high / unit];
  if (low < high) return { low, high, unit };
  const half = Math.abs(low) / 2 || 0.5;
  return { low: low - half, high: high + half, unit };
}
