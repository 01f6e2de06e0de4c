/** The stylesheets, in the order that they build on each other. */

import advice from "./advice.css";
import base from "./base.css";
import header from "./header.css";
import layout from "./layout.css";
import levels from "./levels.css";
import metrics from "./metrics.css";
import panels from "./panels.css";
import plots from "./plots.css";
import table from "./table.css";

export default [base, header, panels, plots, levels, table, metrics, advice, layout].join("\n");
