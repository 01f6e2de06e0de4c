/** How the strongest output directions of base and tuned lie to each other: |cos| of each pair, intruders marked. */

import { useRef } from "preact/hooks";
import { useAfterPaint } from "../../charts/late";
import { useSize } from "../../charts/size";
import { useView } from "../../state/context";
import { say } from "../../text/messages";
import { PALETTES } from "../../theme/palette";
import { Panel } from "../../ui/Panel";
import { changeOf } from "./change";
import { DiffState } from "./DiffState";

const INTRUDER = 0.5; // below it, a direction is near none of the base's
const MARGIN = { left: 34, top: 20, bottom: 34 };

export function Overlap() {
  const { store } = useView();
  const row = useAfterPaint(store.selected).value;
  const detail = row === null ? null : store.detailOf(row);
  const { overlap, nearest } = detail ?? {};
  const intruders = row === null ? 0 : changeOf(store, "intruder_dimensions", row);
  const label = row === null ? "" : (store.catalog.value.labels[row] ?? "");
  return (
    <Panel
      name="overlap"
      aside={
        <>
          {label} {overlap && <Legend />}
        </>
      }
    >
      <DiffState row={row} ready={Boolean(overlap)}>
        {() =>
          overlap &&
          row !== null && (
            <>
              <Cells size={overlap.size} cells={overlap.cells} nearest={nearest ?? new Float64Array()} />
              <p class="wsw-note">
                {say("change.overlap", {
                  overlap: changeOf(store, "subspace_overlap", row),
                  chance: changeOf(store, "subspace_overlap_chance", row),
                })}{" "}
                {intruders > 0 ? say("change.intruders", { count: intruders }) : say("change.noIntruders")}
              </p>
            </>
          )
        }
      </DiffState>
    </Panel>
  );
}

function Legend() {
  const { scheme } = useView();
  return (
    <span class="wsw-ramp wsw-cosines">
      |cos| 0
      <i style={{ background: `linear-gradient(90deg, ${PALETTES[scheme.value].ramp.join(",")})` }} />1
    </span>
  );
}

function Cells({ size, cells, nearest }: { size: number; cells: Float64Array; nearest: Float64Array }) {
  const { scheme } = useView();
  const plot = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plot).value;
  const { ramp } = PALETTES[scheme.value];
  const side = Math.max(1, Math.min((width - MARGIN.left - 8) / size, (height - MARGIN.top - MARGIN.bottom) / size));
  const colour = (value: number): string => ramp[Math.round(Math.min(1, value) * (ramp.length - 1))] as string;
  const [right, floor] = [MARGIN.left + size * side, MARGIN.top + size * side];
  return (
    <div class="wsw-plot" ref={plot}>
      {width > 0 && (
        <svg
          class="wsw-layer wsw-overlap-cells"
          width={width}
          height={height}
          aria-label={say("page.panelTitles.overlap")}
        >
          {Array.from(cells, (value, index) => {
            const [down, across] = [Math.floor(index / size), index % size];
            return (
              <rect
                key={index}
                x={MARGIN.left + across * side}
                y={MARGIN.top + down * side}
                width={side}
                height={side}
                fill={colour(value)}
              >
                <title>{say("change.cosine", { base: down + 1, tuned: across + 1, value })}</title>
              </rect>
            );
          })}
          {Array.from(nearest, (value, across) =>
            value < INTRUDER && across < size ? (
              <text
                key={across}
                class="wsw-intruder"
                x={MARGIN.left + (across + 0.5) * side}
                y={MARGIN.top - 5}
                text-anchor="middle"
              >
                ▼<title>{say("change.intruder", { index: across + 1, value })}</title>
              </text>
            ) : null,
          )}
          <text class="wsw-axis-title" x={(MARGIN.left + right) / 2} y={floor + 18} text-anchor="middle">
            {say("change.tunedDirections")}
          </text>
          <text
            class="wsw-axis-title"
            transform={`translate(${MARGIN.left - 10},${(MARGIN.top + floor) / 2}) rotate(-90)`}
            text-anchor="middle"
          >
            {say("change.baseDirections")}
          </text>
        </svg>
      )}
    </div>
  );
}
