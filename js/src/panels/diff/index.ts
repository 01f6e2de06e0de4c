/** The panels of a fine-tune: those of the change first, then those that draw the tuned model as they draw any. */

import type { Board, PanelEntry } from "../../state/context";
import { diffText } from "../../text/diff";
import { ConditionNumbers } from "../conditionNumbers/ConditionNumbers";
import { Health } from "../health/Health";
import { LayerMap } from "../layerMap/LayerMap";
import { RankEfficiency } from "../rankEfficiency/RankEfficiency";
import { RiskMatrix } from "../riskMatrix/RiskMatrix";
import { LayerTable } from "../table/LayerTable";
import { BeforeAfter } from "./BeforeAfter";
import { ChangeScatter } from "./ChangeScatter";
import { DIFF_COLUMNS } from "./columns";
import { DeltaDistribution } from "./DeltaDistribution";
import { DeltaSpectrum } from "./DeltaSpectrum";
import { Overlap } from "./Overlap";
import { Pattern } from "./Pattern";
import { Worse } from "./Worse";

const OWN: PanelEntry[] = [
  { id: "change-scatter", Component: ChangeScatter, title: () => diffText.scatter },
  { id: "delta-distribution", Component: DeltaDistribution, title: () => diffText.distribution },
  { id: "delta-spectrum", Component: DeltaSpectrum, title: () => diffText.spectrum },
  { id: "overlap", Component: Overlap, title: () => diffText.overlap },
  { id: "worse", Component: Worse, title: () => diffText.worse },
  { id: "before-after", Component: BeforeAfter, title: () => diffText.beforeAfter },
];

// Of the tuned model, drawn as any model is.
const SHARED: PanelEntry[] = [
  { id: "layer-map", Component: LayerMap },
  { id: "table", Component: LayerTable },
  { id: "risk-matrix", Component: RiskMatrix },
  { id: "condition-numbers", Component: ConditionNumbers },
  { id: "rank-efficiency", Component: RankEfficiency },
  { id: "health", Component: Health },
];

const USUAL = [
  "layer-map",
  "change-scatter",
  "delta-distribution",
  "delta-spectrum",
  "overlap",
  "worse",
  "table",
  "before-after",
];

export const DIFF: Board = { panels: [...OWN, ...SHARED], usual: USUAL, columns: DIFF_COLUMNS, Headline: Pattern };
