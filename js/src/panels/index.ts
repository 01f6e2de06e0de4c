/** The boards: which panels each kind of dashboard has, in the usual order. A new panel is a folder beside these and a line here. */

import type { Board, PanelEntry } from "../state/context";
import type { BoardKind } from "../wire/model";
import { Advice } from "./advice/Advice";
import { ConditionNumbers } from "./conditionNumbers/ConditionNumbers";
import { DIFF } from "./diff";
import { Distribution } from "./distribution/Distribution";
import { EVOLUTION } from "./evolution";
import { Health } from "./health/Health";
import { LayerMap } from "./layerMap/LayerMap";
import { LayerMetrics } from "./layerMetrics/LayerMetrics";
import { RankEfficiency } from "./rankEfficiency/RankEfficiency";
import { RiskMatrix } from "./riskMatrix/RiskMatrix";
import { Schemes } from "./schemes/Schemes";
import { SingularValues } from "./spectrum/SingularValues";
import { LayerTable } from "./table/LayerTable";

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

export const BOARDS: Record<BoardKind, Board> = { scan: SCAN, diff: DIFF, evolution: EVOLUTION };
