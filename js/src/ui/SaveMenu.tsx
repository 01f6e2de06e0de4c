/** What a panel can be saved as. */

import type { RefObject } from "preact";
import { tableCsv } from "../export/csv";
import { download, fileName } from "../export/files";
import { pngOf } from "../export/png";
import { panelSvg, svgText } from "../export/svg";
import { useView } from "../state/context";
import { named, say } from "../text/messages";
import { Icon } from "./Icon";
import { usePopup } from "./popup";

export type Format = "svg" | "png" | "csv";

export function SaveMenu({
  panel,
  title,
  formats,
}: {
  panel: RefObject<HTMLElement | null>;
  title: string;
  formats: Format[];
}) {
  const { store } = useView();
  const { open, root, opener, onKeyDown } = usePopup();
  const save = async (format: Format): Promise<void> => {
    open.value = false;
    const name = `${fileName(store.catalog.value.model, title)}.${format}`;
    if (format === "csv") {
      // With its mark of order, by which spreadsheets know the encoding.
      download(new Blob([`\uFEFF${tableCsv(store)}`], { type: "text/csv;charset=utf-8" }), name);
      return;
    }
    if (!panel.current) return;
    const picture = panelSvg(panel.current);
    if (format === "svg") download(new Blob([svgText(picture)], { type: "image/svg+xml" }), name);
    else download(await pngOf(picture), name);
  };

  return (
    <div class="wsw-menu" ref={root}>
      <button
        type="button"
        ref={opener}
        class="wsw-quiet"
        aria-label={say("page.save.panel", { title })}
        title={say("page.save.panel", { title })}
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <Icon sign="save" />
      </button>
      {open.value && (
        <ul class="wsw-popup wsw-formats" onKeyDown={onKeyDown}>
          {formats.map((format) => (
            <li key={format}>
              <button type="button" onClick={() => void save(format)}>
                {named("page.save.as", format)}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
