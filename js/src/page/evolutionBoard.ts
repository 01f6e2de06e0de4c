/** The panels of an evolution: lines over all checkpoints, then those that draw one of them as they draw any model. */

import { ConditionNumbers } from "../panels/conditionNumbers/ConditionNumbers";
import { Distribution } from "../panels/distribution/Distribution";
import { EVOLUTION_COLUMNS } from "../panels/evolution/columns";
import { Lines } from "../panels/evolution/Lines";
import { Slider } from "../panels/evolution/Slider";
import { Sparklines } from "../panels/evolution/Sparklines";
import { Health } from "../panels/health/Health";
import { LayerMap } from "../panels/layerMap/LayerMap";
import { LayerMetrics } from "../panels/layerMetrics/LayerMetrics";
import { RankEfficiency } from "../panels/rankEfficiency/RankEfficiency";
import { RiskMatrix } from "../panels/riskMatrix/RiskMatrix";
import { SingularValues } from "../panels/spectrum/SingularValues";
import { LayerTable } from "../panels/table/LayerTable";
import type { Board, PanelEntry } from "../state/context";

const OWN: PanelEntry[] = [
  { id: "lines", Component: Lines },
  { id: "sparklines", Component: Sparklines },
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
  kind: "evolution",
  panels: [...OWN, ...SHARED],
  usual: USUAL,
  columns: EVOLUTION_COLUMNS,
  Headline: Slider,
};
