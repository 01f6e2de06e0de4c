/** Every metric of the selected layer before and after, with the classes that it crossed, and those of the change. */

import { type ClassifiedMetric, classify } from "../../assessment";
import { useAfterPaint } from "../../charts/late";
import { useView } from "../../context";
import { Explain } from "../../Explain";
import { bare, formatMetric, formatNamed } from "../../metrics";
import { metricTitle, text } from "../../text";
import { diffText } from "../../text/diff";
import { Panel } from "../Panel";
import { statusOf } from "./change";
import { DiffState } from "./DiffState";

const CLASSIFIED = ["condition_number", "sqnr_db", "extreme_outlier_percentage"];

export function BeforeAfter() {
  const { store } = useView();
  const row = useAfterPaint(store.selected).value;
  const table = store.table.value;
  const change =
    row === null
      ? []
      : table.names.filter(
          (column) =>
            column.startsWith("comparison.") &&
            column !== "comparison.status" &&
            !Number.isNaN(table.value(column, row)),
        );
  const both =
    row === null
      ? []
      : table.names.filter(
          (column) =>
            table.has(`base.${column}`) &&
            !(Number.isNaN(table.value(column, row)) && Number.isNaN(table.value(`base.${column}`, row))),
        );
  const status = row === null ? null : statusOf(store, row);
  const facts = row === null ? "" : store.catalog.value.names[row];
  return (
    <Panel name="before-after" title={diffText.beforeAfter} aside={facts}>
      <DiffState row={row} ready={change.length > 0 && status !== "identical"}>
        {() =>
          row !== null && (
            <div class="wsw-sides">
              <dl class="wsw-change">
                {change.map((column) => (
                  <div key={column} data-metric={bare(column)}>
                    <dt>
                      <Explain name={bare(column)} title={metricTitle(bare(column))}>
                        {metricTitle(bare(column))}
                      </Explain>
                    </dt>
                    <dd>{formatMetric(column, table.value(column, row))}</dd>
                  </div>
                ))}
              </dl>
              <table>
                <thead>
                  <tr>
                    <th scope="col">{diffText.metric}</th>
                    <th scope="col">{diffText.series.base}</th>
                    <th scope="col">{diffText.series.tuned}</th>
                  </tr>
                </thead>
                <tbody>
                  {both.map((column) => (
                    <Line
                      key={column}
                      column={column}
                      before={table.value(`base.${column}`, row)}
                      after={table.value(column, row)}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </DiffState>
    </Panel>
  );
}

function Line({ column, before, after }: { column: string; before: number; after: number }) {
  const { store } = useView();
  const name = bare(column);
  const metric = CLASSIFIED.includes(name) ? (name as ClassifiedMetric) : null;
  const classes = [before, after].map((value) => metric && classify(metric, value, store.thresholds.value));
  const crossed = classes[0]?.name !== classes[1]?.name;
  return (
    <tr data-metric={name} data-crossed={crossed || undefined}>
      <th scope="row">{metricTitle(name)}</th>
      {[before, after].map((value, side) => {
        const found = classes[side];
        return (
          <td key={side}>
            {formatNamed(name, value)}
            {metric && found && (
              <i class="wsw-level" data-level={found.level} title={text.classes[metric](found.name)} />
            )}
          </td>
        );
      })}
    </tr>
  );
}
