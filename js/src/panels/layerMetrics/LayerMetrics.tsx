/** Every metric of the selected layer, with its class and what chance would give. */

import { useRef } from "preact/hooks";
import { useLate } from "../../charts/late";
import { classify } from "../../domain/assessment";
import { classifiedMetric, estimateMetric, formatMetric, metricOf } from "../../domain/metrics";
import { useView } from "../../state/context";
import { className, factsOf, metricTitle, named, say } from "../../text/messages";
import { Explain } from "../../ui/Explain";
import { Empty, Panel } from "../../ui/Panel";
import { own, type Table } from "../../wire/model";
import { SchemesTable } from "./SchemesTable";

const SECTIONS = ["spectral", "quantization", "basic_stats", "sparsity"];

interface Entry {
  metric: string;
  value: number;
  baseline: number;
}

export function LayerMetrics() {
  const { store } = useView();
  const body = useRef<HTMLDivElement>(null);
  const row = useLate(store.selected, body).value;
  const { labels } = store.catalog.value;
  return (
    <Panel name="metrics" aside={row === null ? undefined : labels[row]}>
      <div class="wsw-metrics-body" ref={body}>
        {row === null ? <Empty>{say("page.selectHint")}</Empty> : <Figures row={row} />}
      </div>
    </Panel>
  );
}

function Figures({ row }: { row: number }) {
  const { store } = useView();
  const { names, kinds, families, shapes, dtypes, aliases } = store.catalog.value;
  const name = names[row] as string;
  const table = store.table.value;
  const error = own(table.errors, name);
  const tied = own(aliases, name);
  const facts = factsOf(kinds[row], families[row], shapes[row], dtypes[row]);
  return (
    <div data-layer={name}>
      <p class="wsw-facts">
        <span class="wsw-full-name">{name}</span>
        <span>{facts}</span>
        {tied && (
          <span>
            {say("page.alsoKnownAs")} {tied.join(", ")}
          </span>
        )}
      </p>
      {error !== undefined && (
        <p class="wsw-failure" role="alert">
          {error}
        </p>
      )}
      <NonFinite row={row} />
      <div class="wsw-sections">
        {SECTIONS.map((section) => (
          <Section key={section} section={section} entries={entriesOf(table, section, row)} />
        ))}
        <SchemesTable row={row} />
      </div>
    </div>
  );
}

function NonFinite({ row }: { row: number }) {
  const { value: table } = useView().store.table;
  const [nan, infinite] = ["nan_count", "inf_count"].map((count) => table.value(`basic_stats.${count}`, row) || 0);
  if (!nan && !infinite) return null;
  const key = nan && infinite ? "page.nanAndInfinite" : nan ? "page.nan" : "page.infinite";
  const weights = say(key, { nan: nan ?? 0, infinite: infinite ?? 0 });
  return <p class="wsw-failure">{say("page.nonFinite", { weights })}</p>;
}

/** What a section has of a layer; a finished layer's missing values are listed, those still to come are not. */
function entriesOf(table: Table, section: string, row: number): Entry[] {
  const entries = table.names
    .filter((column) => column.startsWith(`${section}.`))
    .map((column) => {
      const metric = column.slice(section.length + 1);
      return { metric, value: table.value(column, row), baseline: table.value(`baseline.${metric}`, row) };
    });
  if (entries.every(({ value }) => Number.isNaN(value))) return [];
  return entries.filter(({ metric, value }) => !(Number.isNaN(value) && metricOf(metric).optional));
}

function Section({ section, entries }: { section: string; entries: Entry[] }) {
  if (entries.length === 0) return null;
  const title = named("page.sections", section) ?? section;
  const compared = entries.some(({ baseline }) => !Number.isNaN(baseline));
  return (
    <table class="wsw-metrics-table" data-section={section}>
      <thead>
        <tr>
          <th scope="col">
            <Explain name={section} title={title}>
              {title}
            </Explain>
          </th>
          <th scope="col" class="wsw-numeric">
            <span class="wsw-hidden">{say("page.value")}</span>
          </th>
          {compared && (
            <th scope="col" class="wsw-numeric" title={say("page.randomHint")}>
              {say("page.random")}
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <Row key={entry.metric} {...entry} compared={compared} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ metric, value, baseline, compared }: Entry & { compared: boolean }) {
  const { store } = useView();
  const classified = classifiedMetric(metric);
  const title = metricTitle(metric);
  const found = classified && classify(classified, value, store.thresholds.value);
  return (
    <tr data-metric={metric}>
      <th scope="row" title={metric}>
        <Explain name={metric} title={title}>
          {title}
        </Explain>
        {classified && found && (
          <span class="wsw-chip" data-level={found.level}>
            {className(classified, found.name)}
          </span>
        )}
      </th>
      <td class="wsw-numeric" title={Number.isNaN(value) ? undefined : String(value)}>
        {formatMetric(metric, value)}
      </td>
      {compared && (
        <td class="wsw-numeric wsw-baseline" title={say("page.randomHint")}>
          {Number.isNaN(baseline) ? "" : estimateMetric(metric, baseline)}
        </td>
      )}
    </tr>
  );
}
