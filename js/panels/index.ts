/** The panels, in the order of the page; a new one is a file beside these and a line here. */

import type { FunctionComponent } from "preact";
import { Distribution } from "./Distribution";
import { LayerMetrics } from "./LayerMetrics";
import { LayerTable } from "./LayerTable";
import { RiskMatrix } from "./riskMatrix/RiskMatrix";
import { SingularValues } from "./SingularValues";

export const PANELS: FunctionComponent[] = [RiskMatrix, Distribution, SingularValues, LayerTable, LayerMetrics];
