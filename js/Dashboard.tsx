/** The page as a whole: header, panels, and a voice for those who do not see it. */

import type { ReadonlySignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { stableRankPercentage } from "./assessment";
import { useView, type View, ViewContext } from "./context";
import { formatDecibel, formatNumber, formatPercentage } from "./format";
import { Header } from "./Header";
import { paletteVariables } from "./palette";
import { PANELS, shownPanels } from "./panels";
import { Toolbar } from "./Toolbar";
import { language, text } from "./text";

interface Props {
  view: View;
  height: ReadonlySignal<number | string | null>;
}

export function Dashboard({ view, height }: Props) {
  const root = useRef<HTMLElement>(null);
  const scheme = view.scheme.value;
  const fixed = height.value;
  return (
    <ViewContext.Provider value={view}>
      <section
        ref={root}
        class="wsw-dashboard"
        lang={language.value}
        data-scheme={scheme}
        data-fixed={fixed === null ? undefined : true}
        data-lm-suppress-shortcuts="true"
        aria-label={text.dashboard(view.store.catalog.value.model)}
        style={{ ...paletteVariables(scheme), height: typeof fixed === "number" ? `${fixed}px` : (fixed ?? undefined) }}
      >
        <Header />
        <Toolbar root={root} />
        <div class="wsw-panels">
          {shownPanels(view.store.view.value.panels).map((id) => {
            const Part = PANELS.find((panel) => panel.id === id)?.Component;
            return Part && <Part key={id} />;
          })}
        </div>
        <Announcer />
      </section>
    </ViewContext.Provider>
  );
}

/** Says which layer was selected, and how it stands. */
function Announcer() {
  const { store } = useView();
  const row = store.selected.value;
  const table = store.table.value;
  const grade = row === null ? null : store.judgements.value[row]?.grade;
  const facts =
    row === null
      ? []
      : [
          grade && text.grade[grade],
          `${text.metricTitles.sqnr_db} ${formatDecibel(table.value("quantization.sqnr_db", row))}`,
          `${text.metricTitles.extreme_outlier_percentage} ${formatPercentage(table.value("quantization.extreme_outlier_percentage", row))}`,
          `${text.metricTitles.condition_number} ${formatNumber(table.value("spectral.condition_number", row))}`,
          `${text.metricTitles.stable_rank_percentage} ${formatPercentage(stableRankPercentage(table, row))}`,
        ];
  return (
    <p class="wsw-hidden" role="status">
      {row !== null && text.announce(store.catalog.value.labels[row] ?? "", facts.filter(Boolean).join(", "))}
    </p>
  );
}
