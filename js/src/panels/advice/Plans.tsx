/** A quantization plan and LoRA ranks of the kernel, and code for the tools that carry them out. */

import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { useInView } from "../../charts/late";
import { SCHEMES, sqnrColumn } from "../../domain/schemes";
import { useView } from "../../state/context";
import { named, render, say } from "../../text/messages";
import type { Plan } from "../../wire/model";
import { NoAnswer } from "../../wire/requests";
import { copy } from "./clipboard";

/** How long a drag has to rest before the kernel is asked. */
const PAUSE = 250; // milliseconds

export function Plans({ body }: { body: RefObject<Element | null> }) {
  const { store } = useView();
  const { value: table } = store.table;
  const inView = useInView(body);
  const scheme = store.scheme.value;
  const plan = usePlan(scheme, store.thresholds.value, inView);
  const ranks = usePlan("ranks", store.view.value.energy, inView);
  const measured = Object.keys(SCHEMES).filter((name) => table.has(sqnrColumn(table, name)));
  return (
    <section class="wsw-plan" data-about="plan" aria-label={say("plans.title")}>
      <h4>{say("plans.title")}</h4>
      {measured.length > 0 && (
        <label>
          {say("plans.scheme")}{" "}
          <select value={scheme} onChange={({ currentTarget }) => store.setView({ scheme: currentTarget.value })}>
            {measured.map((name) => (
              <option key={name} value={name}>
                {named("page.schemes", name)}
              </option>
            ))}
          </select>
        </label>
      )}
      <Said {...plan} />
      <Said {...ranks} />
      <Copies
        items={[
          { tool: "bitsandbytes", code: plan.plan?.bitsandbytes, hint: say("plans.lacks_bitsandbytes") },
          { tool: "llm_compressor", code: plan.plan?.llm_compressor, hint: say("plans.lacks_llm_compressor") },
          { tool: "peft", code: ranks.plan?.peft, hint: "" },
        ]}
      />
    </section>
  );
}

interface Asked {
  /** What the kernel said last, perhaps of an earlier question. */
  plan: Plan | undefined;
  /** What is to be said of it: that another is being computed, or that none came. */
  status: string;
}

/** A plan by its subject, asked for anew when what it depends on has rested for a moment, and as a scan goes on. */
function usePlan(subject: string, ground: unknown, inView: ReadonlySignal<boolean>): Asked {
  const { store } = useView();
  const status = useSignal("");
  const plan = store.planOf(subject);
  const saved = store.page === null;
  const seen = inView.value;
  const { state, fraction } = store.progress.value;
  const tenth = Math.floor(10 * fraction);
  useEffect(() => {
    if (saved || !seen) return;
    let current = true;
    status.value = "computing";
    const timer = setTimeout(async () => {
      const problem = await store.askPlan(subject).then(
        () => "",
        (error) => (error instanceof NoAnswer ? "no_answer" : (error as Error).message),
      );
      if (current) status.value = problem;
    }, PAUSE);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [subject, ground, store.step.value, state, tenth, saved, seen]);
  const { value } = status;
  if (saved) return { plan, status: plan ? "" : say("plans.not_saved") };
  if (value === "computing") return { plan, status: say("plans.computing") };
  return { plan, status: value === "no_answer" ? say(plan ? "plans.outdated" : "plans.no_answer") : value };
}

function Said({ plan, status }: Asked) {
  return (
    <p>
      {plan?.said.map(([key, args]) => render(key, args)).join(" ")}{" "}
      {status && (
        <span class="wsw-note" role="status">
          {status}
        </span>
      )}
    </p>
  );
}

interface Item {
  tool: "bitsandbytes" | "llm_compressor" | "peft";
  /** Null where there is nothing to copy, undefined before the kernel has answered. */
  code: string | null | undefined;
  /** Why there is nothing. */
  hint: string;
}

function Copies({ items }: { items: Item[] }) {
  const said = useSignal("");
  const left = useSignal<string | null>(null);
  const take = async (code: string, button: HTMLElement): Promise<void> => {
    said.value = ""; // so that a second time is announced, too
    const done = await copy(code, button);
    said.value = say(done ? "plans.copied" : "plans.not_copied");
    left.value = done ? null : code;
  };
  return (
    <>
      <div class="wsw-copies">
        {items.map(({ tool, code, hint }) => (
          <button
            key={tool}
            type="button"
            data-tool={tool}
            disabled={!code}
            title={code === null ? hint : undefined}
            onClick={({ currentTarget }) => code && take(code, currentTarget)}
          >
            {say(`plans.copy.${tool}`)}
          </button>
        ))}
        <output>{said.value}</output>
      </div>
      {left.value !== null && (
        <textarea class="wsw-to-copy" readOnly rows={8} value={left.value} aria-label={say("plans.title")} />
      )}
    </>
  );
}
