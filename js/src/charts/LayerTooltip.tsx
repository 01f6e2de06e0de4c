/** What a layer under the pointer is, beside its mark. */

import { formatDecibel, formatNumber, formatPercentage } from "../domain/format";
import { formatMetric } from "../domain/metrics";
import { useView } from "../state/context";
import { factsOf, named, say, titleOf } from "../text/messages";
import type { Size } from "./size";

interface Props {
  row: number;
  place: readonly [number, number];
  size: Size;
  /** A metric that the chart is of, where it is none of the usual ones. */
  metric?: string | undefined;
}

const USUAL = ["sqnr_db", "extreme_outlier_percentage", "condition_number"];

export function LayerTooltip({ row, place: [x, y], size, metric }: Props) {
  const { store } = useView();
  const { labels, names, families, kinds, shapes } = store.catalog.value;
  const value = (of: string): number => store.column(of)[row] ?? Number.NaN;
  const grade = store.judgements.value[row]?.grade;
  const horizontal = x < size.width / 2 ? { left: `${x + 14}px` } : { right: `${size.width - x + 14}px` };
  const vertical = y < size.height / 2 ? { top: `${y + 6}px` } : { bottom: `${size.height - y + 6}px` };
  return (
    <div class="wsw-tooltip" style={{ ...horizontal, ...vertical }} aria-hidden="true">
      <strong>{labels[row]}</strong>
      {names[row] !== labels[row] && <div class="wsw-tooltip-name">{names[row]}</div>}
      <dl>
        <dt>{say("page.columns.kind")}</dt>
        <dd>{factsOf(kinds[row], families[row], shapes[row])}</dd>
        {metric !== undefined && !USUAL.includes(metric) && (
          <>
            <dt>{titleOf(metric)}</dt>
            <dd>{formatMetric(metric, value(metric))}</dd>
          </>
        )}
        <dt>{say("metrics.sqnr_db")}</dt>
        <dd>{formatDecibel(value("sqnr_db"))}</dd>
        <dt>{say("metrics.extreme_outlier_percentage")}</dt>
        <dd>{formatPercentage(value("extreme_outlier_percentage"))}</dd>
        <dt>{say("page.columns.condition_number")}</dt>
        <dd>{formatNumber(value("condition_number"))}</dd>
        {grade && (
          <>
            <dt>{say("page.columns.grade")}</dt>
            <dd>{named("page.grade", grade)}</dd>
          </>
        )}
      </dl>
    </div>
  );
}
