/** The page as a whole: header, panels, and a voice for those who do not see it. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { formatDecibel, formatNumber, formatPercentage } from "../domain/format";
import { useView, type View, ViewContext } from "../state/context";
import { language, named, say } from "../text/messages";
import { paletteVariables } from "../theme/palette";
import { shownPanels } from "../ui/shown";
import { Header } from "./Header";
import { Toolbar } from "./Toolbar";

interface Props {
  view: View;
}

export function Dashboard({ view }: Props) {
  const root = useRef<HTMLElement>(null);
  const scheme = view.scheme.value;
  const fixed = view.store.height.value;
  const { Headline } = view.board;
  return (
    <ViewContext.Provider value={view}>
      <section
        ref={root}
        class="wsw-dashboard"
        lang={language.value}
        data-board={view.board.kind}
        data-scheme={scheme}
        data-fixed={fixed === null ? undefined : true}
        data-lm-suppress-shortcuts="true"
        aria-label={say("page.dashboard", { model: view.store.catalog.value.model })}
        style={{
          ...paletteVariables(scheme),
          colorScheme: scheme,
          height: typeof fixed === "number" ? `${fixed}px` : (fixed ?? undefined),
        }}
      >
        <Header />
        {Headline && <Headline />}
        <Toolbar root={root} />
        <div class="wsw-panels">
          <Panels />
        </div>
        <Announcer />
      </section>
    </ViewContext.Provider>
  );
}

const FIRST = 3; // panels that a screen shows at once

/** The panels, those further down when the first are on the screen. */
function Panels() {
  const { store, board } = useView();
  const known = board.panels.map(({ id }) => id);
  const ready = useSignal(typeof requestIdleCallback === "undefined" ? Number.POSITIVE_INFINITY : FIRST);
  const shown = shownPanels(store.view.value.panels, board.usual, known);
  const waiting = ready.value < shown.length;
  useEffect(() => {
    if (!waiting) return;
    const request = requestIdleCallback(() => ready.value++, { timeout: 100 });
    return () => cancelIdleCallback(request);
  }, [waiting, ready, ready.value]);
  return (
    <>
      {shown.map((id, index) => {
        const Part = board.panels.find((panel) => panel.id === id)?.Component;
        return Part && (index < ready.value ? <Part key={id} /> : <div key={id} class={`wsw-panel wsw-${id}`} />);
      })}
    </>
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
          grade && named("page.grade", grade),
          `${say("metrics.sqnr_db")} ${formatDecibel(table.value("quantization.sqnr_db", row))}`,
          `${say("metrics.extreme_outlier_percentage")} ${formatPercentage(table.value("quantization.extreme_outlier_percentage", row))}`,
          `${say("metrics.condition_number")} ${formatNumber(table.value("spectral.condition_number", row))}`,
          `${say("metrics.stable_rank_percentage")} ${formatPercentage(table.value("spectral.stable_rank_percentage", row))}`,
        ];
  return (
    <p class="wsw-hidden" role="status">
      {row !== null &&
        say("page.announce", { label: store.catalog.value.labels[row] ?? "", facts: facts.filter(Boolean).join(", ") })}
    </p>
  );
}
