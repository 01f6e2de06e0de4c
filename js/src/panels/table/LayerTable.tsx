/** All layers as a sortable, searchable grid; only the rows in view are in the page. */

import { effect, useComputed } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useAfterPaint, useLate } from "../../charts/late";
import { useScroll } from "../../charts/scroll";
import { useSize } from "../../charts/size";
import { type ClassifiedMetric, classify } from "../../domain/assessment";
import { formatCount, formatDecibel, formatNumber, formatPercentage, MISSING } from "../../domain/format";
import { bare } from "../../domain/metrics";
import { type TableColumn, useView } from "../../state/context";
import { walkKeys } from "../../state/keys";
import type { SortColumn } from "../../state/sort";
import type { Store } from "../../state/store";
import { className, message, metricTitle, named, say } from "../../text/messages";
import { GRADE_LEVELS } from "../../theme/palette";
import { Panel } from "../../ui/Panel";
import { type Family, Stage } from "../../wire/model";

const ROW = 26; // pixels, as in the stylesheet
const AROUND = 8; // rows kept beyond each edge of the view

const number = (store: Store, metric: string, row: number): number => store.column(metric)[row] ?? Number.NaN;

/** A metric with the colour of its class. */
const classified = (
  id: SortColumn,
  metric: ClassifiedMetric,
  [wide, narrow]: [string, string?],
  format: (value: number) => string,
): TableColumn => ({
  id,
  numeric: true,
  wide,
  narrow,
  cell: (store, row) => {
    const value = number(store, metric, row);
    const found = classify(metric, value, store.thresholds.value);
    const title = found ? className(metric, found.name) : undefined;
    return (
      <>
        {format(value)}
        <i class="wsw-level" data-level={found?.level ?? "none"} title={title} />
      </>
    );
  },
});

export const COLUMNS: TableColumn[] = [
  {
    id: "label",
    numeric: false,
    wide: "minmax(136px, 3fr)",
    narrow: "minmax(104px, 1fr)",
    cell: (store, row) => {
      const { labels, families } = store.catalog.value;
      return (
        <>
          <i class="wsw-family" style={{ background: `var(--wsw-${families[row] as Family})` }} />
          {labels[row]}
        </>
      );
    },
  },
  { id: "kind", numeric: false, wide: "minmax(76px, 96px)", cell: (store, row) => store.catalog.value.kinds[row] },
  classified("condition_number", "condition_number", ["76px", "68px"], formatNumber),
  classified("stable_rank", "stable_rank_percentage", ["80px"], formatPercentage),
  classified("sqnr_db", "sqnr_db", ["80px", "76px"], formatDecibel),
  classified("extreme_outlier_percentage", "extreme_outlier_percentage", ["84px", "78px"], formatPercentage),
  {
    id: "grade",
    numeric: false,
    wide: "minmax(84px, 96px)",
    narrow: "80px",
    cell: (store, row) => {
      if (store.table.value.stage(row) === Stage.Failed) return <span class="wsw-failed">{say("page.failed")}</span>;
      const grade = store.judgements.value[row]?.grade;
      if (!grade) return MISSING;
      return (
        <>
          <i class="wsw-level wsw-level-first" data-level={GRADE_LEVELS[grade]} />
          {named("page.grade", grade)}
        </>
      );
    },
  },
  {
    id: "risk",
    numeric: true,
    wide: "44px",
    cell: (store, row) => {
      const risk = store.judgements.value[row]?.risk ?? Number.NaN;
      return Number.isFinite(risk) ? risk.toFixed(1) : formatNumber(risk);
    },
  },
];

export function LayerTable() {
  const { store } = useView();
  const order = store.order.value;
  const total = store.catalog.value.names.length;
  return (
    <Panel
      name="table"
      formats={["csv"]}
      aside={order.length < total ? say("page.matches", { count: order.length, total }) : formatCount(total)}
    >
      <Grid />
    </Panel>
  );
}

/** What the head of a column says when it is pointed at. */
const hint = (column: string): string => {
  const found = message(`page.columnHints.${column}`);
  return typeof found === "string" ? found : metricTitle(column);
};

function Grid() {
  const { store, board } = useView();
  const columns = board.columns ?? COLUMNS;
  const scroller = useRef<HTMLDivElement>(null);
  const size = useSize(scroller);
  const { height } = size.value;
  const scroll = useScroll(scroller);
  const { top } = scroll;
  const late = useLate(useAfterPaint(store.selected), scroller);
  const order = store.order.value;
  const selected = store.selected.value;

  // A selection made elsewhere comes into view.
  useEffect(
    () =>
      effect(() => {
        const at = late.value === null ? -1 : store.order.value.indexOf(late.value);
        // The head covers one row.
        if (at >= 0) scroll.reveal(at * ROW, (at + 1) * ROW, size.value.height - ROW);
      }),
    [store, late, scroll, size],
  );

  const first = Math.max(0, Math.floor(top.value / ROW) - AROUND);
  const last = Math.min(order.length, Math.ceil((top.value + height) / ROW) + AROUND);
  const rows = order.slice(first, last);
  // One stop for the Tab key: the selected row, else the first.
  const stop = selected !== null && rows.includes(selected) ? selected : rows[0];
  const sort = store.sort.value;
  const activate = (event: KeyboardEvent): void => {
    if (!walkKeys(store, event)) return;
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>("[aria-selected=true]")?.focus());
  };

  return (
    <div class="wsw-grid-scroller" ref={scroller} onScroll={scroll.onScroll}>
      <div
        class="wsw-table-grid"
        role="grid"
        aria-label={say("page.panelTitles.table")}
        aria-rowcount={order.length + 1}
        tabIndex={-1}
        style={{
          "--wide": columns.map(({ wide }) => wide).join(" "),
          "--narrow": columns.map(({ narrow }) => narrow).join(" "),
        }}
        onKeyDown={activate}
      >
        <div class="wsw-head" role="row" aria-rowindex={1}>
          {columns.map(({ id, numeric, narrow }) => (
            <div
              key={id}
              role="columnheader"
              data-column={id}
              data-narrow={narrow !== undefined}
              class={numeric ? "wsw-cell wsw-numeric" : "wsw-cell"}
              aria-sort={sort.column !== id ? "none" : sort.descending ? "descending" : "ascending"}
            >
              <button
                type="button"
                title={hint(bare(id))}
                aria-label={say("page.sortBy", { title: named("page.columns", bare(id)) })}
                onClick={() => store.sortBy(id)}
              >
                {named("page.columns", bare(id))}
                <span class="wsw-arrow" aria-hidden="true">
                  {sort.column === id ? (sort.descending ? "↓" : "↑") : ""}
                </span>
              </button>
            </div>
          ))}
        </div>
        <div class="wsw-body" style={{ height: `${order.length * ROW}px` }} onPointerLeave={() => store.hover(null)}>
          {rows.map((row, index) => (
            <Line key={row} row={row} index={first + index} stop={row === stop} />
          ))}
        </div>
        {order.length === 0 && <p class="wsw-no-match">{say("page.noMatch")}</p>}
      </div>
    </div>
  );
}

/** A row of the grid; one that is not concerned is not drawn anew when the pointer or the selection moves. */
function Line({ row, index, stop }: { row: number; index: number; stop: boolean }) {
  const { store } = useView();
  const hovered = useComputed(() => store.hovered.value === row);
  const selected = useComputed(() => store.selected.value === row);
  const compared = useComputed(() => store.compared.value.includes(row));
  const cells = useMemo(() => <Cells row={row} />, [row]);
  return (
    <div
      role="row"
      class="wsw-row"
      data-row={row}
      data-hovered={hovered.value || undefined}
      data-stage={store.table.value.stage(row)}
      aria-rowindex={index + 2}
      aria-selected={selected.value}
      data-compared={compared.value || undefined}
      tabIndex={stop ? 0 : -1}
      title={store.catalog.value.names[row]}
      style={{ transform: `translateY(${index * ROW}px)` }}
      onClick={(event) => (event.ctrlKey || event.metaKey || event.shiftKey ? store.compare(row) : store.select(row))}
      onPointerEnter={() => store.hover(row)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        if (event.ctrlKey || event.metaKey || event.shiftKey) store.compare(row);
        else store.select(row);
      }}
    >
      {cells}
    </div>
  );
}

function Cells({ row }: { row: number }) {
  const { store, board } = useView();
  return (
    <>
      {(board.columns ?? COLUMNS).map(({ id, numeric, narrow, cell }) => (
        <div
          key={id}
          role="gridcell"
          data-column={id}
          data-narrow={narrow !== undefined}
          class={numeric ? "wsw-cell wsw-numeric" : "wsw-cell"}
        >
          {cell(store, row)}
        </div>
      ))}
    </>
  );
}
