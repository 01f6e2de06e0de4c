/** What narrows and changes all panels: the search, the filters, the what-if switches, the choice of panels. */

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { bare, formatMetric } from "../domain/metrics";
import { download, fileName } from "../export/files";
import { useView } from "../state/context";
import type { Filter } from "../state/filters";
import { className, named, render, say, titleOf } from "../text/messages";
import { Icon } from "../ui/Icon";
import { NoAnswer } from "../wire/requests";
import { PanelMenu } from "./PanelMenu";

export function Toolbar({ root }: { root: RefObject<HTMLElement | null> }) {
  const { store } = useView();
  const { random } = store.view.value;
  return (
    <div class="wsw-toolbar" role="toolbar" aria-label={say("page.toolbar")}>
      <Search />
      <div class="wsw-toolbar-end">
        {store.moved.value && (
          <button type="button" title={say("page.resetThresholdsHint")} onClick={() => store.resetThresholds()}>
            {say("page.resetThresholds")}
          </button>
        )}
        <button
          type="button"
          aria-pressed={random}
          title={say("page.compareRandomHint")}
          onClick={() => store.setView({ random: !random })}
        >
          {say("page.compareRandom")}
        </button>
        <PanelMenu />
        <SavePage />
        <FullScreen root={root} />
      </div>
      <Chips />
    </div>
  );
}

function Search() {
  const { store } = useView();
  return (
    <input
      type="search"
      class="wsw-search"
      aria-label={say("page.search")}
      placeholder={say("page.searchPlaceholder")}
      value={store.query.value}
      onInput={(event) => store.search(event.currentTarget.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") store.search("");
        if (event.key === "ArrowDown") {
          event.preventDefault();
          store.walk(1);
        }
      }}
    />
  );
}

function Chips() {
  const { store } = useView();
  // Always there and never higher: what a drag narrows must not move under the pointer.
  if (!store.narrowed.value) return <p class="wsw-chips wsw-muted">{say("page.filtersHint")}</p>;
  const query = store.query.value.trim();
  const total = store.catalog.value.names.length;
  return (
    <ul class="wsw-chips" aria-label={say("page.filters")}>
      <li class="wsw-muted">
        <span role="status">{say("page.matches", { count: store.matching.value.length, total })}</span>
      </li>
      {query && <Chip label={say("page.filterQuery", { query })} onRemove={() => store.search("")} />}
      {[...store.filters.value].map(([key, filter]) => (
        <Chip key={key} label={describe(filter)} onRemove={() => store.widen(key)} />
      ))}
      <li>
        <button type="button" class="wsw-link" onClick={() => store.reset()}>
          {say("page.clearFilters")}
        </button>
      </li>
    </ul>
  );
}

function Chip({ label, onRemove }: { label: string; onRemove(): void }) {
  return (
    <li class="wsw-filter">
      <span title={label}>{label}</span>
      <button type="button" aria-label={say("page.removeFilter", { name: label })} onClick={onRemove}>
        ×
      </button>
    </li>
  );
}

/** A filter in words. */
export function describe(filter: Filter): string {
  switch (filter.by) {
    case "rows":
      return render(`page.filterRows.${filter.from}`, { count: filter.rows.size });
    case "range": {
      const { metric } = filter;
      const [low, high] = [filter.low, filter.high].map(
        (value) => Number.isFinite(value) && formatMetric(metric, value),
      );
      const title = titleOf(metric);
      if (low && high) return say("page.filterBetween", { title, low, high });
      return low ? say("page.filterAtLeast", { title, low }) : say("page.filterAtMost", { title, high: high || "" });
    }
    case "field":
      return say("page.filterField", {
        field: fieldTitle(filter.field),
        values: filter.values.map((value) => valueTitle(filter, value)).join(", "),
      });
  }
}

function fieldTitle(field: string): string {
  if (field.startsWith("class:")) return titleOf(field.slice("class:".length));
  return named("page.fields", bare(field));
}

function valueTitle({ field }: { field: string }, value: string | null): string {
  if (value === null) return "—";
  if (field === "family") return named("page.family", value);
  if (field === "grade") return named("page.grade", value);
  if (field.startsWith("class:")) return className(field.slice("class:".length), value);
  return value;
}

/** The whole dashboard as one file; the button says where that failed. */
function SavePage() {
  const { store } = useView();
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const { page } = store;
  if (page === null) return null;
  const save = async (): Promise<void> => {
    busy.value = true;
    problem.value = null;
    try {
      download(new Blob([await page()], { type: "text/html" }), `${fileName(store.catalog.value.model)}.html`);
    } catch (error) {
      problem.value = error instanceof NoAnswer ? say("page.noAnswer") : (error as Error).message;
    } finally {
      busy.value = false;
    }
  };
  return (
    <>
      <button type="button" title={say("page.save.pageHint")} disabled={busy.value} onClick={() => void save()}>
        {say("page.save.page")}
      </button>
      {problem.value !== null && (
        <span class="wsw-failed" role="alert">
          {problem.value}
        </span>
      )}
    </>
  );
}

function FullScreen({ root }: { root: RefObject<HTMLElement | null> }) {
  const full = useSignal(false);
  useEffect(() => {
    const update = (): void => {
      // Inside a shadow root the document only knows its host.
      const within = root.current?.getRootNode() as Document | ShadowRoot | undefined;
      full.value = root.current !== null && within?.fullscreenElement === root.current;
    };
    document.addEventListener("fullscreenchange", update);
    return () => document.removeEventListener("fullscreenchange", update);
  }, [root, full]);
  if (!document.fullscreenEnabled) return null;
  const title = full.value ? say("page.leaveFullScreen") : say("page.fullScreen");
  return (
    <button
      type="button"
      aria-label={title}
      title={title}
      aria-pressed={full.value}
      onClick={() => {
        if (full.value) void document.exitFullscreen();
        else void root.current?.requestFullscreen();
      }}
    >
      <Icon sign="full" />
    </button>
  );
}
