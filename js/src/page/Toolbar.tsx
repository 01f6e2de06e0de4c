/** What narrows and changes all panels: the search, the filters, the what-if switches, the choice of panels. */

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import type { ClassifiedMetric, Grade } from "../domain/assessment";
import { bare, formatMetric, titleOf } from "../domain/metrics";
import { download, fileName } from "../export/files";
import { useView } from "../state/context";
import type { Filter } from "../state/filters";
import { text } from "../text";
import { Icon } from "../ui/Icon";
import type { Family } from "../wire/model";
import { NoAnswer } from "../wire/requests";
import { PanelMenu } from "./PanelMenu";

export function Toolbar({ root }: { root: RefObject<HTMLElement | null> }) {
  const { store } = useView();
  const { random } = store.view.value;
  return (
    <div class="wsw-toolbar" role="toolbar" aria-label={text.toolbar}>
      <Search />
      <div class="wsw-toolbar-end">
        {store.moved.value && (
          <button type="button" title={text.resetThresholdsHint} onClick={() => store.resetThresholds()}>
            {text.resetThresholds}
          </button>
        )}
        <button
          type="button"
          aria-pressed={random}
          title={text.compareRandomHint}
          onClick={() => store.setView({ random: !random })}
        >
          {text.compareRandom}
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
      aria-label={text.search}
      placeholder={text.searchPlaceholder}
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
  if (!store.narrowed.value) return <p class="wsw-chips wsw-muted">{text.filtersHint}</p>;
  const query = store.query.value.trim();
  const total = store.catalog.value.names.length;
  return (
    <ul class="wsw-chips" aria-label={text.filters}>
      <li class="wsw-muted">
        <span role="status">{text.matches(store.matching.value.length, total)}</span>
      </li>
      {query && <Chip label={text.filterQuery(query)} onRemove={() => store.search("")} />}
      {[...store.filters.value].map(([key, filter]) => (
        <Chip key={key} label={describe(filter)} onRemove={() => store.widen(key)} />
      ))}
      <li>
        <button type="button" class="wsw-link" onClick={() => store.reset()}>
          {text.clearFilters}
        </button>
      </li>
    </ul>
  );
}

function Chip({ label, onRemove }: { label: string; onRemove(): void }) {
  return (
    <li class="wsw-filter">
      <span title={label}>{label}</span>
      <button type="button" aria-label={text.removeFilter(label)} onClick={onRemove}>
        ×
      </button>
    </li>
  );
}

/** A filter in words. */
export function describe(filter: Filter): string {
  switch (filter.by) {
    case "rows":
      return text.filterRows[filter.from](filter.rows.size);
    case "range": {
      const shown = (value: number): string => (Number.isFinite(value) ? formatMetric(filter.metric, value) : "");
      return text.filterRange(titleOf(filter.metric), shown(filter.low), shown(filter.high));
    }
    case "field":
      return text.filterField(
        fieldTitle(filter.field),
        filter.values.map((value) => valueTitle(filter, value)).join(", "),
      );
  }
}

function fieldTitle(field: string): string {
  if (field.startsWith("class:")) return titleOf(field.slice("class:".length));
  return text.fields[field as keyof typeof text.fields] ?? bare(field);
}

function valueTitle({ field }: { field: string }, value: string | null): string {
  if (value === null) return "—";
  if (field === "family") return text.family[value as Family] ?? value;
  if (field === "grade") return text.grade[value as Grade] ?? value;
  if (field.startsWith("class:")) return text.classes[field.slice("class:".length) as ClassifiedMetric](value);
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
      problem.value = error instanceof NoAnswer ? text.noAnswer : (error as Error).message;
    } finally {
      busy.value = false;
    }
  };
  return (
    <>
      <button type="button" title={text.save.pageHint} disabled={busy.value} onClick={() => void save()}>
        {text.save.page}
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
  const title = full.value ? text.leaveFullScreen : text.fullScreen;
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
