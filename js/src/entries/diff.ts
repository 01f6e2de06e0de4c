/** The module of the dashboard of a fine-tune: the same store, charts and panels, and those of a change. */

import { DIFF_PANELS, USUAL_OF_DIFF } from "../panels/diff";
import { DIFF_COLUMNS } from "../panels/diff/columns";
import { Pattern } from "../panels/diff/Pattern";
import { DIFF_CATALOGUES } from "../text/diff";
import { EXPLAINED } from "../text/diff/explain";
import { extend } from "../text/extend";
import styles from "../theme/styles/diff.css";
import { readSaved, type SavedModel } from "../wire/saved";
import { openSaved as open, widgetOf } from "./widget";

extend(DIFF_CATALOGUES, EXPLAINED);
const widget = widgetOf(
  { panels: DIFF_PANELS, usual: USUAL_OF_DIFF, columns: DIFF_COLUMNS, Headline: Pattern },
  styles,
);
export default widget;

export { readSaved };
export const openSaved = (el: HTMLElement, saved: SavedModel): void => open(widget, el, saved);
