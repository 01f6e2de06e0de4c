/** Which panels each kind of dashboard has, in the usual order. A new panel is a folder in `panels` and a line here. */

import { Advice } from "../panels/advice/Advice";
import { ConditionNumbers } from "../panels/conditionNumbers/ConditionNumbers";
import { Distribution } from "../panels/distribution/Distribution";
import { Health } from "../panels/health/Health";
import { LayerMap } from "../panels/layerMap/LayerMap";
import { LayerMetrics } from "../panels/layerMetrics/LayerMetrics";
import { RankEfficiency } from "../panels/rankEfficiency/RankEfficiency";
import { RiskMatrix } from "../panels/riskMatrix/RiskMatrix";
import { Schemes } from "../panels/schemes/Schemes";
import { SingularValues } from "../panels/spectrum/SingularValues";
import { LayerTable } from "../panels/table/LayerTable";
import type { Board, PanelEntry } from "../state/context";
import type { BoardKind } from "../wire/model";
import { DIFF } from "./diffBoard";
import { EVOLUTION } from "./evolutionBoard";

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

export const SCAN: Board = { kind: "scan", panels: PANELS, usual: USUAL };

export const BOARDS: Record<BoardKind, Board> = { scan: SCAN, diff: DIFF, evolution: EVOLUTION };
