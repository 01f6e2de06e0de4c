/** What the energy line says: the rank, the parameters saved, and the error. */

import { factorParameters, keptBy, rankFor, truncationError } from "../../domain/energy";
import { formatCount, formatPercentage } from "../../domain/format";
import { sidesOf } from "../../domain/schemes";
import { useView } from "../../state/context";
import { text } from "../../text";
import type { Spectrum } from "./spectrum";

export function Truncation({ main: { row, values } }: { main: Spectrum }) {
  const { store } = useView();
  const { energy } = store.view.value;
  const rank = rankFor(values, energy);
  const { shapes, stacked } = store.catalog.value;
  const sides = sidesOf(shapes[row] ?? "", stacked.includes(row));
  const whole = sides ? sides.rows * sides.columns : Number.NaN;
  const factors = sides ? factorParameters(sides.rows, sides.columns, rank) : Number.NaN;
  const saved = 1 - factors / whole;
  return (
    <dl class="wsw-truncation" data-rank={rank} title={text.truncationHint}>
      <div>
        <dt>{text.energyKept}</dt>
        <dd>{formatPercentage(100 * keptBy(values, rank))}</dd>
      </div>
      <div>
        <dt>{text.rank}</dt>
        <dd>
          {formatCount(rank)} {text.of} {formatCount(values.length)}
        </dd>
      </div>
      <div>
        <dt>{text.parametersSaved}</dt>
        <dd>{saved > 0 ? `${formatCount(whole - factors)} (${formatPercentage(100 * saved)})` : text.nothingSaved}</dd>
      </div>
      <div>
        <dt>{text.truncationError}</dt>
        <dd>{formatPercentage(100 * truncationError(values, rank))}</dd>
      </div>
    </dl>
  );
}
