/** Which panels are on the page. */

/** The panels that a person chose, those that this version knows; the usual ones where nothing was chosen. */
export function shownPanels(chosen: readonly string[] | null, usual: readonly string[], known = usual): string[] {
  return chosen === null
    ? [...usual]
    : chosen.filter((id, index) => known.includes(id) && chosen.indexOf(id) === index);
}
