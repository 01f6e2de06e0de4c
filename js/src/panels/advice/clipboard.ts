/** Copying, also where the page may not use the clipboard itself: in frames, and without https. */

/** Whether it was copied. */
export async function copy(text: string, beside: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelecting(text, beside);
  }
}

/** Inside the dashboard, for a selection outside would be lost to the notebook, and styles would not hide it. */
function copyBySelecting(text: string, beside: HTMLElement): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "wsw-hidden";
  beside.after(area);
  try {
    area.select();
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    if (focused instanceof HTMLElement) focused.focus();
  }
}
