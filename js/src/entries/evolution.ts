/** The module of the dashboard of many checkpoints: the same store, charts and panels, at the checkpoint chosen. */

import { EVOLUTION_PANELS, USUAL_OF_EVOLUTION } from "../panels/evolution";
import { EVOLUTION_COLUMNS } from "../panels/evolution/columns";
import { Slider } from "../panels/evolution/Slider";
import { EVOLUTION_CATALOGUES } from "../text/evolution";
import { EXPLAINED } from "../text/evolution/explain";
import { extend } from "../text/extend";
import styles from "../theme/styles/evolution.css";
import { readSaved, type SavedModel } from "../wire/saved";
import { openSaved as open, widgetOf } from "./widget";

extend(EVOLUTION_CATALOGUES, EXPLAINED);
const widget = widgetOf(
  { panels: EVOLUTION_PANELS, usual: USUAL_OF_EVOLUTION, columns: EVOLUTION_COLUMNS, Headline: Slider },
  styles,
);
export default widget;

export { readSaved };
export const openSaved = (el: HTMLElement, saved: SavedModel): void => open(widget, el, saved);
