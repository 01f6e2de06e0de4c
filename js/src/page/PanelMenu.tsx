/** Which panels are shown, and in which order. */

import { useView } from "../state/context";
import { named, say } from "../text/messages";
import { usePopup } from "../ui/popup";
import { shownPanels } from "../ui/shown";

export function PanelMenu() {
  const { store, board } = useView();
  const { open, root, opener, onKeyDown } = usePopup();
  const known = board.panels.map(({ id }) => id);
  const shown = shownPanels(store.view.value.panels, board.usual, known);
  const hidden = known.filter((id) => !shown.includes(id));
  const arrange = (panels: string[] | null): void => store.setView({ panels });
  const move = (id: string, by: number): void => {
    const next = shown.filter((other) => other !== id);
    next.splice(shown.indexOf(id) + by, 0, id);
    arrange(next);
  };
  return (
    <div class="wsw-menu" ref={root}>
      <button
        type="button"
        ref={opener}
        aria-expanded={open.value}
        aria-haspopup="dialog"
        title={say("page.panelsHint")}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        {say("page.panels")}
      </button>
      {open.value && (
        <div class="wsw-popup" role="dialog" aria-label={say("page.panelsHint")} onKeyDown={onKeyDown}>
          <ol>
            {[...shown, ...hidden].map((id) => {
              const title = named("page.panelTitles", id);
              const at = shown.indexOf(id);
              return (
                <li key={id}>
                  <label class="wsw-choice">
                    <input
                      type="checkbox"
                      checked={at >= 0}
                      onChange={() => arrange(at >= 0 ? shown.filter((other) => other !== id) : [...shown, id])}
                    />
                    {title}
                  </label>
                  {at >= 0 && (
                    <span class="wsw-buttons">
                      <button
                        type="button"
                        aria-label={say("page.moveUp", { title })}
                        disabled={at === 0}
                        onClick={() => move(id, -1)}
                      >
                        ↑
                      </button>
                      <button
                        type="button"
                        aria-label={say("page.moveDown", { title })}
                        disabled={at === shown.length - 1}
                        onClick={() => move(id, 1)}
                      >
                        ↓
                      </button>
                    </span>
                  )}
                </li>
              );
            })}
          </ol>
          <button type="button" disabled={shown.join() === board.usual.join()} onClick={() => arrange(null)}>
            {say("page.usualPanels")}
          </button>
        </div>
      )}
    </div>
  );
}
