/** Every metric of the selected layer over the checkpoints, from its first value to that of the checkpoint drawn. */

import { useAfterPaint } from "../../charts/late";
import { type ClassifiedMetric, classify } from "../../domain/assessment";
import { bare, classifiedMetric, formatMetric, metricsOf } from "../../domain/metrics";
import { useView } from "../../state/context";
import { className, say, titleOf } from "../../text/messages";
import { Explain } from "../../ui/Explain";
import { Empty, Panel } from "../../ui/Panel";
import { across, axisOf, pathOf, pointsOf } from "./trace";

const WIDTH = 140;
const ROOM = { left: 4, right: WIDTH - 4, top: 4, bottom: 20 };

export function Sparklines() {
  const { store } = useView();
  const row = useAfterPaint(store.selected).value;
  const metrics =
    row === null
      ? []
      : metricsOf(store.table.value).filter(
          (metric) => metric !== "parameters" && store.history(metric).some((column) => !Number.isNaN(column[row])),
        );
  return (
    <Panel name="sparklines" formats={[]} aside={row === null ? undefined : store.catalog.value.labels[row]}>
      {row === null ? (
        <Empty>{say("page.selectHint")}</Empty>
      ) : metrics.length === 0 ? (
        <Empty>
          {store.progress.value.state === "running" ? say("page.waitingForLayer") : say("page.notComputed")}
        </Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys
        <section class="wsw-sparks" tabIndex={0} aria-label={say("page.panelTitles.sparklines")}>
          <table>
            <thead>
              <tr>
                <th scope="col">{say("change.metric")}</th>
                <th scope="col" class="wsw-numeric">
                  {store.checkpoints.value[0]}
                </th>
                <th scope="col">
                  <span class="wsw-hidden">{say("change.course")}</span>
                </th>
                <th scope="col" class="wsw-numeric">
                  {store.checkpoints.value[store.step.value]}
                </th>
              </tr>
            </thead>
            <tbody>
              {metrics.map((metric) => (
                <Line key={metric} metric={metric} row={row} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Panel>
  );
}

function Line({ metric, row }: { metric: string; row: number }) {
  const { store } = useView();
  const history = store.history(metric);
  const step = store.step.value;
  const title = titleOf(metric);
  return (
    <tr data-metric={bare(metric)}>
      <th scope="row">
        <Explain name={bare(metric)} title={title}>
          {title}
        </Explain>
      </th>
      <Value metric={metric} value={history[0]?.[row] ?? Number.NaN} />
      <td>
        <Spark metric={metric} row={row} />
      </td>
      <Value metric={metric} value={history[step]?.[row] ?? Number.NaN} />
    </tr>
  );
}

function Value({ metric, value }: { metric: string; value: number }) {
  const { store } = useView();
  const classified: ClassifiedMetric | null = classifiedMetric(metric);
  const found = classified && classify(classified, value, store.thresholds.value);
  return (
    <td class="wsw-numeric">
      {formatMetric(metric, value)}
      {classified && found && (
        <i class="wsw-level" data-level={found.level} title={className(classified, found.name)} />
      )}
    </td>
  );
}

/** As tall as its own range: it shows the course, not the size. */
function Spark({ metric, row }: { metric: string; row: number }) {
  const { store } = useView();
  const history = store.history(metric);
  const x = across(history.length, ROOM);
  // A bare name has no classes, whose levels would flatten the line.
  const axis = axisOf(`course.${bare(metric)}`, history, [row], ROOM, store.thresholds.value);
  const points = pointsOf(history, row, x, axis);
  const now = points[store.step.value];
  return (
    <svg width={WIDTH} height={24} aria-hidden="true">
      <path class="wsw-line" d={pathOf(points)} />
      {now && <circle class="wsw-dot" cx={now[0]} cy={now[1]} r={3} />}
    </svg>
  );
}
