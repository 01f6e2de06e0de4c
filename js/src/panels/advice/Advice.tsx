/** What to do about the selected layer and about the model, and the plans to take along. */

import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useLate } from "../../charts/late";
import { formatCount, formatDecibel, formatNumber, formatPercentage, formatTick } from "../../domain/format";
import { useView } from "../../state/context";
import { Panel } from "../../ui/Panel";
import { layerAdvice, modelAdvice, type Advice as One } from "./decide";
import { PlanToTake } from "./PlanToTake";
import { adviceText as text } from "./text";

export function Advice() {
  const { store } = useView();
  const { spectrumOf } = store;
  const body = useRef<HTMLDivElement>(null);
  const thresholds = useLate(store.thresholds, body);
  const selection = useLate(store.selected, body);
  const row = selection.value;
  const { labels } = store.catalog.value;
  // Computed, not memoized: spectra arrive one by one, and what reads them has to hear of it.
  const whole = useComputed(() => modelAdvice(store.catalog.value, store.table.value, thresholds.value, spectrumOf));
  const ofLayer = useComputed(() => {
    const selected = selection.value;
    if (selected === null) return [];
    const spectrum = store.detailOf(selected).spectrum;
    return layerAdvice(store.catalog.value, store.table.value, thresholds.value, selected, () => spectrum);
  });
  return (
    <Panel name="advice" aside={text.ruleOfThumb}>
      <div class="wsw-advice-columns" ref={body}>
        <section data-about="layer" aria-label={text.selected}>
          <h4>
            {text.selected}
            {row !== null && <span>{labels[row]}</span>}
          </h4>
          {ofLayer.value.length > 0 ? (
            <List advice={ofLayer.value} sentences={text.layer} />
          ) : (
            <p class="wsw-note">{row === null ? text.choose : text.nothingYet}</p>
          )}
        </section>
        <section data-about="model" aria-label={text.model}>
          <h4>{text.model}</h4>
          {whole.value.length > 0 ? (
            <List advice={whole.value} sentences={text.whole} />
          ) : (
            <p class="wsw-note">{text.modelNothingYet}</p>
          )}
        </section>
      </div>
      <PlanToTake thresholds={thresholds} />
    </Panel>
  );
}

function List({ advice, sentences }: { advice: One[]; sentences: typeof text.layer }) {
  return (
    <ul class="wsw-advice-list">
      {advice.map((one) => (
        <li key={`${one.topic}.${one.action}`} data-topic={one.topic} data-action={one.action}>
          <p>
            <b>{text.topics[one.topic]}</b> {sentences[`${one.topic}.${one.action}`]?.(one.evidence)}
          </p>
          <Figures evidence={one.evidence} />
          <Layers names={one.layers} />
        </li>
      ))}
    </ul>
  );
}

/** The numbers an advice rests on; the counts of a model's are in its sentence. */
function Figures({ evidence }: { evidence: One["evidence"] }) {
  const shown = Object.entries(evidence).filter(([metric]) => metric in text.evidence);
  if (shown.length === 0) return null;
  return (
    <dl class="wsw-evidence">
      {shown.map(([metric, value]) => (
        <div key={metric} data-metric={metric} title={String(value)}>
          <dt>{text.evidence[metric]}</dt>
          <dd>{formatEvidence(metric, value)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The layers a model's advice means; a click selects one. */
function Layers({ names }: { names: string[] }) {
  const { store } = useView();
  if (names.length === 0) return null;
  const { names: all, labels } = store.catalog.value;
  return (
    <p class="wsw-pressing">
      {text.pressing}
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

export function formatEvidence(metric: string, value: number): string {
  if (metric.startsWith("baseline.")) {
    const unit = metric.endsWith("sqnr_db") ? " dB" : metric.endsWith("percentage") ? " %" : "";
    return `≈ ${formatTick(Number(value.toPrecision(2)))}${unit}`;
  }
  if (metric.endsWith("sqnr_db")) return formatDecibel(value);
  if (metric.endsWith("percentage")) return formatPercentage(value);
  if (metric === "break_even_rank") return formatCount(Math.floor(value));
  return Number.isInteger(value) ? formatCount(value) : formatNumber(value);
}
