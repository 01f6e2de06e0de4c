/** Health of the model: five histograms of its layers, their grades, and the layers most at risk. */

import { useComputed } from "@preact/signals";
import { Donut } from "../../charts/Donut";
import { MetricHistogram } from "../../charts/MetricHistogram";
import { GRADES } from "../../domain/assessment";
import { formatMetric } from "../../domain/metrics";
import { useView } from "../../state/context";
import { toggled } from "../../state/filters";
import { named, say } from "../../text/messages";
import { GRADE_LEVELS, PALETTES } from "../../theme/palette";
import { Explain } from "../../ui/Explain";
import { Panel } from "../../ui/Panel";

const HISTOGRAMS = [
  "condition_number",
  "extreme_outlier_percentage",
  "stable_rank_percentage",
  "sqnr_db",
  "near_zero_percentage",
];
const TOP = 10;

export function Health() {
  const { store } = useView();
  return (
    <Panel name="health" aside={say("page.healthAside")}>
      <div class="wsw-health-grid">
        {HISTOGRAMS.map((metric) => (
          <MetricHistogram key={metric} metric={metric} />
        ))}
        <Grades />
        <TopRisks />
      </div>
      <p class="wsw-note">{store.moved.value ? say("page.movedThresholds") : say("page.ruleOfThumb")}</p>
    </Panel>
  );
}

function Grades() {
  const { store, scheme } = useView();
  const judgements = store.judgements.value;
  const counts = new Map<string | null, number>();
  for (const row of store.matching.value) {
    const grade = judgements[row]?.grade ?? null;
    counts.set(grade, (counts.get(grade) ?? 0) + 1);
  }
  const filter = store.filters.value.get("grade");
  const parts = GRADES.map((grade) => ({
    key: grade,
    label: named("page.grade", grade),
    count: counts.get(grade) ?? 0,
    colour: PALETTES[scheme.value].levels[GRADE_LEVELS[grade]],
    pressed: filter?.by === "field" && filter.values.includes(grade),
    title: say("page.narrowTo", { name: named("page.grade", grade) }),
    onClick: () => toggled(store, "grade", grade),
  }));
  return (
    <section class="wsw-health-part" aria-label={say("page.grades")} title={say("page.gradesHint")}>
      <h4>
        <Explain name="grade" title={say("page.grades")}>
          {say("page.grades")}
        </Explain>
      </h4>
      <Donut parts={parts} label={say("page.grades")} unit={say("page.graded")} />
    </section>
  );
}

function TopRisks() {
  const { store, scheme } = useView();
  const { labels } = store.catalog.value;
  const top = useComputed(() => {
    const mask = store.mask.value;
    const worst: number[] = [];
    for (const row of store.descending("risk")) {
      if (mask[row]) worst.push(row);
      if (worst.length === TOP) break;
    }
    return worst;
  });
  const risks = store.column("risk");
  const widest = Math.max(1, ...top.value.map((row) => risks[row] as number).filter(Number.isFinite));
  return (
    <section class="wsw-health-part wsw-top-risks" aria-label={say("page.topRisks")}>
      <h4>
        <Explain name="risk" title={say("metrics.risk") ?? ""}>
          {say("page.topRisks")}
        </Explain>
      </h4>
      {top.value.length === 0 && <p class="wsw-muted">{say("page.nothingHere")}</p>}
      <ol>
        {top.value.map((row) => {
          const risk = risks[row] as number;
          const grade = store.judgements.value[row]?.grade;
          const colour = grade ? PALETTES[scheme.value].levels[GRADE_LEVELS[grade]] : PALETTES[scheme.value].muted;
          return (
            <li key={row}>
              <button
                type="button"
                class="wsw-risk-row"
                title={store.catalog.value.names[row]}
                aria-pressed={store.compared.value.includes(row)}
                data-hovered={store.hovered.value === row || undefined}
                onClick={(event) =>
                  event.ctrlKey || event.metaKey || event.shiftKey ? store.compare(row) : store.select(row)
                }
                onPointerEnter={() => store.hover(row)}
                onPointerLeave={() => store.hover(null)}
              >
                <span class="wsw-risk-label">{labels[row]}</span>
                <span class="wsw-risk-track">
                  <i
                    style={{ width: `${Math.min(100, (100 * Math.min(risk, widest)) / widest)}%`, background: colour }}
                  />
                </span>
                <b>{formatMetric("risk", risk)}</b>
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
