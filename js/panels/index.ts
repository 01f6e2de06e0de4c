/** The panels, in the usual order of the page; a new one is a file beside these and a line here. */

import type { Board, PanelEntry } from "../context";
import { Advice } from "./Advice";
import { ConditionNumbers } from "./ConditionNumbers";
import { Distribution } from "./Distribution";
import { Health } from "./Health";
import { LayerMetrics } from "./LayerMetrics";
import { LayerTable } from "./LayerTable";
import { LayerMap } from "./layerMap/LayerMap";
import { RankEfficiency } from "./RankEfficiency";
import { RiskMatrix } from "./riskMatrix/RiskMatrix";
import { Schemes } from "./Schemes";
import { SingularValues } from "./SingularValues";

export const PANELS: PanelEntry[] = [
  { id: "risk-matrix", Component: RiskMatrix },
  { id: "layer-map", Component: LayerMap },
  { id: "distribution", Component: Distribution },
  { id: "singular-values", Component: SingularValues },
  { id: "table", Component: LayerTable },
  { id: "schemes", Component: Schemes },
  { id: "advice", Component: Advice },
  { id: "condition-numbers", Component: ConditionNumbers },
  { id: "rank-efficiency", Component: RankEfficiency },
  { id: "health", Component: Health },
  { id: "metrics", Component: LayerMetrics },
];

export const USUAL: readonly string[] = PANELS.map(({ id }) => id);

export const SCAN: Board = { panels: PANELS, usual: USUAL };
