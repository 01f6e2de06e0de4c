/** The module of the dashboard of one model. */

import { SCAN } from "../panels";
import { readSaved, type SavedModel } from "../wire/saved";
import { openSaved as open, widgetOf } from "./widget";

const widget = widgetOf(SCAN);
export default widget;

export { readSaved };
export const openSaved = (el: HTMLElement, saved: SavedModel): void => open(widget, el, saved);
