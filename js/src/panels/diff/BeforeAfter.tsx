/** Every metric of the selected layer before and after, with the classes and grades it crossed, and those of the change. */

import { useAfterPaint } from "../../charts/late";
import { type ClassifiedMetric, classify, type Grade } from "../../domain/assessment";
import { MISSING } from "../../domain/format";
import { bare, formatMetric } from "../../domain/metrics";
import { useView } from "../../state/context";
import { className, metricTitle, named, say } from "../../text/messages";
import { GRADE_LEVELS } from "../../theme/palette";
import { Explain } from "../../ui/Explain";
import { Panel } from "../../ui/Panel";
import { own } from "../../wire/model";
import { gradesOf, isApart, statusOf } from "./change";
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
  const name = row === null ? "" : (store.catalog.value.names[row] as string);
  const error = own(table.errors, name);
  return (
    <Panel name="before-after" aside={name}>
      <DiffState row={row} ready={change.length + both.length > 0 && status !== "identical"}>
        {() =>
          row !== null && (
            <div class="wsw-sides">
              <div>
                {error !== undefined && (
                  <p class="wsw-failure" role="alert">
                    {error}
                  </p>
                )}
                {isApart(store, row) && <p class="wsw-note">{say("change.nothingInCommon")}</p>}
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
              </div>
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say("change.metric")}</th>
                    <th scope="col">{say("change.series.base")}</th>
                    <th scope="col">{say("change.series.tuned")}</th>
                  </tr>
                </thead>
                <tbody>
                  <Grades row={row} />
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

function Grades({ row }: { row: number }) {
  const { base, tuned } = gradesOf(useView().store, row);
  if (base === null && tuned === null) return null;
  return (
    <tr data-metric="health" data-crossed={base !== tuned || undefined}>
      <th scope="row">{say("page.columns.grade")}</th>
      <GradeCell grade={base} />
      <GradeCell grade={tuned} />
    </tr>
  );
}

function GradeCell({ grade }: { grade: Grade | null }) {
  if (grade === null) return <td>{MISSING}</td>;
  return (
    <td>
      {named("page.grade", grade)}
      <i class="wsw-level" data-level={GRADE_LEVELS[grade]} />
    </td>
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
            {formatMetric(name, value)}
            {metric && found && <i class="wsw-level" data-level={found.level} title={className(metric, found.name)} />}
          </td>
        );
      })}
    </tr>
  );
}
