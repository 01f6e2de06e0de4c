/** Advice for the selected layer and for the model, as the kernel gives it, and plans to export. */

import { useRef } from "preact/hooks";
import { formatCount } from "../../domain/format";
import { bare, estimateMetric, formatMetric } from "../../domain/metrics";
import { useView } from "../../state/context";
import type { Store } from "../../state/store";
import { message, render, say } from "../../text/messages";
import { Panel } from "../../ui/Panel";
import { Plans } from "./Plans";

interface One {
  topic: string;
  action: string;
  /** The key of its sentence, and the sentence's arguments. */
  sentence: string;
  evidence: Record<string, number>;
  layers: readonly string[];
}

export function Advice() {
  const { store } = useView();
  const body = useRef<HTMLDivElement>(null);
  const row = store.selected.value;
  const ofLayer = row === null ? [] : adviceFor(store, row);
  const ofModel = store.advice.value.model.map(
    ({ message: sentence, ...one }): One => ({ ...one, sentence, evidence: one.evidence as Record<string, number> }),
  );
  return (
    <Panel name="advice" aside={say("advice.panel.rule_of_thumb")}>
      {store.page === null && <p class="wsw-note">{say("advice.panel.as_saved")}</p>}
      <div class="wsw-advice-columns" ref={body}>
        <section data-about="layer" aria-label={say("advice.panel.layer")}>
          <h4>
            {say("advice.panel.layer")}
            {row !== null && <span>{store.catalog.value.labels[row]}</span>}
          </h4>
          <List advice={ofLayer} none={say(row === null ? "advice.panel.choose" : "advice.panel.none_for_layer")} />
        </section>
        <section data-about="model" aria-label={say("advice.panel.model")}>
          <h4>{say("advice.panel.model")}</h4>
          <List advice={ofModel} none={say("advice.panel.none_for_model")} />
        </section>
      </div>
      <Plans body={body} />
    </Panel>
  );
}

/** What the columns say of a layer: of each topic the place of a message in its group. */
function adviceFor(store: Store, row: number): One[] {
  const { columns } = store.advice.value;
  const { value: table } = store.table;
  return Object.keys(message("advice.layer") ?? {}).flatMap((topic) => {
    const action = Object.keys(message(`advice.layer.${topic}`) ?? {})[columns.value(topic, row)];
    if (action === undefined) return [];
    const numbers = Object.keys(labelsOf(topic)).map((name): [string, number] => [
      name,
      (columns.has(name) ? columns : table).value(name, row),
    ]);
    const evidence = Object.fromEntries(numbers.filter(([, value]) => !Number.isNaN(value)));
    evidence.saved_percentage = columns.value("saved_percentage", row);
    return [{ topic, action, sentence: `advice.layer.${topic}.${action}`, evidence, layers: [] }];
  });
}

/** What the numbers that support a topic are called, by their columns. */
function labelsOf(topic: string): Record<string, string> {
  const group = message(`advice.evidence.${topic}`) ?? {};
  return Object.fromEntries(
    Object.entries(group).flatMap(([section, label]) =>
      typeof label === "string"
        ? [[section, label]]
        : Object.entries(label).map(([metric, words]) => [`${section}.${metric}`, String(words)]),
    ),
  );
}

function List({ advice, none }: { advice: One[]; none: string }) {
  if (advice.length === 0) return <p class="wsw-note">{none}</p>;
  return (
    <ul class="wsw-advice-list">
      {advice.map(({ topic, action, sentence, evidence, layers }) => (
        <li key={`${topic}.${action}`} data-topic={topic} data-action={action}>
          <p>
            <b>{render(`advice.topics.${topic}`)}</b> {render(sentence, evidence)}
          </p>
          <Evidence topic={topic} evidence={evidence} />
          <Layers names={layers} />
        </li>
      ))}
    </ul>
  );
}

/** The numbers that support an advice; a baseline only beside the number that it is of. */
function Evidence({ topic, evidence }: Pick<One, "topic" | "evidence">) {
  const measured = new Set(Object.keys(evidence).flatMap((name) => (name.startsWith("baseline.") ? [] : bare(name))));
  const shown = Object.entries(labelsOf(topic)).filter(([name]) => name in evidence && measured.has(bare(name)));
  if (shown.length === 0) return null;
  return (
    <dl class="wsw-evidence">
      {shown.map(([name, label]) => (
        <div key={name} data-metric={name} title={String(evidence[name])}>
          <dt>{label}</dt>
          <dd>{formatEvidence(name, evidence[name] as number)}</dd>
        </div>
      ))}
    </dl>
  );
}

export function formatEvidence(name: string, value: number): string {
  if (name.startsWith("baseline.")) return estimateMetric(bare(name), value);
  return name.includes("rank_90") || name.includes("even_rank")
    ? formatCount(Math.floor(value))
    : formatMetric(bare(name), value);
}

/** The layers that an advice for the model is about; a click selects one. */
function Layers({ names }: { names: readonly string[] }) {
  const { store } = useView();
  if (names.length === 0) return null;
  const { names: all, labels } = store.catalog.value;
  return (
    <p class="wsw-pressing">
      {say("advice.pressing")}
      {names.map((name) => {
        const row = all.indexOf(name);
        return (
          <button key={name} type="button" title={name} onClick={() => store.select(row)}>
            {labels[row]}
          </button>
        );
      })}
    </p>
  );
}
