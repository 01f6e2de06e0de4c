/** The plans as text for the tools that carry them out. */

import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useView } from "../../state/context";
import { named } from "../../text/messages";
import type { Thresholds } from "../../wire/model";
import { copy } from "./clipboard";
import { loraRanks, quantizationPlan, type Scheme, schemesOf } from "./plans";
import { adviceText as text } from "./text";

const ENERGY = 0.9;
/** More would be no small adapter. */
const MAXIMUM_RANK = 64;

export function PlanToTake({ thresholds }: { thresholds: ReadonlySignal<Thresholds> }) {
  const { store } = useView();
  const { spectrumOf } = store;
  const chosen = useSignal<Scheme>("int8_channel");
  const schemes = useComputed(() => schemesOf(store.table.value));
  const planned = useComputed(() => {
    const scheme = schemes.value.includes(chosen.value) ? chosen.value : schemes.value[0];
    return scheme ? quantizationPlan(store.catalog.value, store.table.value, thresholds.value, scheme) : null;
  });
  const ranks = useComputed(() => loraRanks(store.catalog.value, spectrumOf, ENERGY, MAXIMUM_RANK));
  const [plan, lora] = [planned.value, ranks.value];
  const without = (tool: string): string => (plan ? text.notThisScheme(tool) : text.noSchemes);
  return (
    <section class="wsw-plan" data-about="plan" aria-label={text.plan}>
      <h4>{text.plan}</h4>
      {plan ? (
        <p>
          <label>
            {text.scheme}{" "}
            <select
              value={plan.scheme}
              onChange={({ currentTarget }) => {
                chosen.value = currentTarget.value as Scheme;
              }}
            >
              {schemes.value.map((scheme) => (
                <option key={scheme} value={scheme}>
                  {named("page.schemes", scheme)}
                </option>
              ))}
            </select>
          </label>{" "}
          {text.planned(plan.quantized.length, plan.quantized.length + plan.reasons.size, plan.minimum)}{" "}
          {plan.bytesBefore !== null &&
            plan.bytesAfter !== null &&
            text.sizes(text.megabytes(plan.bytesBefore), text.megabytes(plan.bytesAfter))}
        </p>
      ) : (
        <p class="wsw-note">{text.noSchemes}</p>
      )}
      <p class={lora.peft === null ? "wsw-note" : undefined}>
        {lora.peft === null ? text.noSpectra : text.ranks(lora.targets.length, MAXIMUM_RANK)}
      </p>
      <Copies
        items={[
          { tool: "bitsandbytes", content: plan?.bitsandbytes ?? null, hint: without("bitsandbytes") },
          { tool: "llmCompressor", content: plan?.llmCompressor ?? null, hint: without("llm-compressor") },
          { tool: "peft", content: lora.peft, hint: text.noSpectra },
        ]}
      />
    </section>
  );
}

interface Item {
  tool: keyof typeof text.copy;
  /** Null where there is nothing to copy. */
  content: string | null;
  /** Why there is nothing. */
  hint: string;
}

function Copies({ items }: { items: Item[] }) {
  const said = useSignal("");
  const left = useSignal<string | null>(null);
  const take = async (content: string, button: HTMLElement): Promise<void> => {
    said.value = ""; // so that a second time is announced, too
    const done = await copy(content, button);
    said.value = done ? text.copied : text.notCopied;
    left.value = done ? null : content;
  };
  return (
    <>
      <div class="wsw-copies">
        {items.map(({ tool, content, hint }) => (
          <button
            key={tool}
            type="button"
            data-tool={tool}
            disabled={content === null}
            title={content === null ? hint : undefined}
            onClick={({ currentTarget }) => content !== null && take(content, currentTarget)}
          >
            {text.copy[tool]}
          </button>
        ))}
        <output>{said.value}</output>
      </div>
      {left.value !== null && (
        <textarea class="wsw-to-copy" readOnly rows={8} value={left.value} aria-label={text.plan} />
      )}
    </>
  );
}
