/** What both drawings of a spectrum have. */

import type { Margin } from "../../charts/Axes";
import { formatNumber } from "../../domain/format";
import { say } from "../../text/messages";

export const MARGIN: Margin = { top: 20, right: 12, bottom: 36, left: 42 };

export function Readout({ index, value }: { index: number; value: number | undefined }) {
  return (
    <div class="wsw-readout">
      σ<sub>{index + 1}</sub> = {formatNumber(value ?? Number.NaN)}
    </div>
  );
}

interface EdgeProps {
  at: number;
  width: number;
  floor: number;
  labelled: boolean;
}

/** Where the spectrum of a Gaussian matrix of the same shape and spread would end. */
export function RandomEdge({ at, width, floor, labelled }: EdgeProps) {
  if (!(at >= MARGIN.top && at <= floor)) return null;
  return (
    <g class="wsw-random">
      <title>{say("page.randomEdgeHint")}</title>
      <line x1={MARGIN.left} x2={width - MARGIN.right} y1={at} y2={at} />
      {labelled && (
        <text x={width - MARGIN.right - 2} y={at - 4} text-anchor="end">
          {say("page.randomEdge")}
        </text>
      )}
    </g>
  );
}
