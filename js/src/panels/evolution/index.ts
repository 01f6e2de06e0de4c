/** The panels of an evolution: lines over all checkpoints, then those that draw one of them as they draw any model. */

import type { Board, PanelEntry } from "../../state/context";
import { evolutionText } from "../../text/evolution";
import { ConditionNumbers } from "../conditionNumbers/ConditionNumbers";
import { Distribution } from "../distribution/Distribution";
import { Health } from "../health/Health";
import { LayerMap } from "../layerMap/LayerMap";
import { LayerMetrics } from "../layerMetrics/LayerMetrics";
import { RankEfficiency } from "../rankEfficiency/RankEfficiency";
import { RiskMatrix } from "../riskMatrix/RiskMatrix";
import { SingularValues } from "../spectrum/SingularValues";
import { LayerTable } from "../table/LayerTable";
import { EVOLUTION_COLUMNS } from "./columns";
import { Lines } from "./Lines";
import { Slider } from "./Slider";
import { Sparklines } from "./Sparklines";

const OWN: PanelEntry[] = [
  { id: "lines", Component: Lines, title: () => evolutionText.lines },
  { id: "sparklines", Component: Sparklines, title: () => evolutionText.sparklines },
];

const SHARED: PanelEntry[] = [
  { id: "layer-map", Component: LayerMap },
  { id: "distribution", Component: Distribution },
  { id: "singular-values", Component: SingularValues },
  { id: "risk-matrix", Component: RiskMatrix },
  { id: "table", Component: LayerTable },
  { id: "condition-numbers", Component: ConditionNumbers },
  { id: "rank-efficiency", Component: RankEfficiency },
  { id: "health", Component: Health },
  { id: "metrics", Component: LayerMetrics },
];

const USUAL = ["lines", "layer-map", "sparklines", "distribution", "singular-values", "risk-matrix", "table"];

export const EVOLUTION: Board = {
  panels: [...OWN, ...SHARED],
  usual: USUAL,
  columns: EVOLUTION_COLUMNS,
  Headline: Slider,
};
