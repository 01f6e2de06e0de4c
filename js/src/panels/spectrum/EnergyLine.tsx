/** The line that asks what a truncation there would keep; charts whose axis across is the rank have one. */

import { follow } from "../../charts/handle";
import { keptBy, rankFor } from "../../domain/energy";
import { formatPercentage } from "../../domain/format";
import { useView } from "../../state/context";
import { say } from "../../text/messages";

interface Props {
  spectrum: Float64Array;
  x: { (value: number): number; invert(position: number): number };
  ends: [number, number];
  top: number;
  floor: number;
}

/** Stands at the rank that keeps the energy asked for; dragging it asks for another. */
export function EnergyLine({ spectrum, x, ends, top, floor }: Props) {
  const { store } = useView();
  const rank = rankFor(spectrum, store.view.value.energy);
  const at = x(rank);
  const set = (wanted: number): void => {
    const next = Math.max(1, Math.min(spectrum.length, Math.round(wanted)));
    store.setView({ energy: keptBy(spectrum, next) });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 16, PageDown: -16 }[event.key];
    if (steps !== undefined) set(rank + steps);
    else if (event.key === "Home") store.setView({ energy: 0.9 });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const kept = formatPercentage(100 * keptBy(spectrum, rank));
  const toTheLeft = at > (ends[0] + ends[1]) / 2;
  return (
    <g class="wsw-threshold wsw-energy" data-axis="x">
      <rect class="wsw-discarded" x={at} width={Math.max(0, ends[1] - at)} y={top} height={floor - top} />
      <line class="wsw-threshold-line" x1={at} x2={at} y1={top} y2={floor} />
      <text x={toTheLeft ? at - 5 : at + 5} y={floor - 6} text-anchor={toTheLeft ? "end" : "start"}>
        {say("page.energyAt", { rank, kept })}
      </text>
      <line
        class="wsw-threshold-handle"
        x1={at}
        x2={at}
        y1={top}
        y2={floor}
        role="slider"
        tabindex={0}
        aria-label={say("page.energyLine")}
        aria-orientation="horizontal"
        aria-valuemin={1}
        aria-valuemax={spectrum.length}
        aria-valuenow={rank}
        aria-valuetext={say("page.energyAt", { rank, kept })}
        onPointerDown={(event) => follow(event, "x", ends, (position) => set(x.invert(position)))}
        onKeyDown={onKeyDown}
      >
        <title>{say("page.energyHint")}</title>
      </line>
    </g>
  );
}
