/** What the energy line says: the rank, the parameters saved, and the error. */

import { factorParameters, keptBy, rankFor, truncationError } from "../../domain/energy";
import { formatCount, formatPercentage } from "../../domain/format";
import { sidesOf } from "../../domain/schemes";
import { useView } from "../../state/context";
import { say } from "../../text/messages";
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
    <dl class="wsw-truncation" data-rank={rank} title={say("page.truncationHint")}>
      <div>
        <dt>{say("page.energyLine")}</dt>
        <dd>{formatPercentage(100 * keptBy(values, rank))}</dd>
      </div>
      <div>
        <dt>{say("page.rank")}</dt>
        <dd>{say("page.rankOf", { rank, total: values.length })}</dd>
      </div>
      <div>
        <dt>{say("page.parametersSaved")}</dt>
        <dd>
          {saved > 0 ? `${formatCount(whole - factors)} (${formatPercentage(100 * saved)})` : say("page.nothingSaved")}
        </dd>
      </div>
      <div>
        <dt>{say("page.truncationError")}</dt>
        <dd>{formatPercentage(100 * truncationError(values, rank))}</dd>
      </div>
    </dl>
  );
}
