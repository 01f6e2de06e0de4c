/** The panels of a fine-tune: those of the change first, then those that draw the tuned model as they draw any. */

import { ConditionNumbers } from "../panels/conditionNumbers/ConditionNumbers";
import { BeforeAfter } from "../panels/diff/BeforeAfter";
import { ChangeScatter } from "../panels/diff/ChangeScatter";
import { DIFF_COLUMNS } from "../panels/diff/columns";
import { DeltaDistribution } from "../panels/diff/DeltaDistribution";
import { DeltaSpectrum } from "../panels/diff/DeltaSpectrum";
import { Overlap } from "../panels/diff/Overlap";
import { Pattern } from "../panels/diff/Pattern";
import { Worse } from "../panels/diff/Worse";
import { Health } from "../panels/health/Health";
import { LayerMap } from "../panels/layerMap/LayerMap";
import { RankEfficiency } from "../panels/rankEfficiency/RankEfficiency";
import { RiskMatrix } from "../panels/riskMatrix/RiskMatrix";
import { LayerTable } from "../panels/table/LayerTable";
import type { Board, PanelEntry } from "../state/context";

const OWN: PanelEntry[] = [
  { id: "change-scatter", Component: ChangeScatter },
  { id: "delta-distribution", Component: DeltaDistribution },
  { id: "delta-spectrum", Component: DeltaSpectrum },
  { id: "overlap", Component: Overlap },
  { id: "worse", Component: Worse },
  { id: "before-after", Component: BeforeAfter },
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

export const DIFF: Board = {
  kind: "diff",
  panels: [...OWN, ...SHARED],
  usual: USUAL,
  columns: DIFF_COLUMNS,
  Headline: Pattern,
};
