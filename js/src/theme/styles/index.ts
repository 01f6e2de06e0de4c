/** The stylesheets, in the order that they build on each other. */

import advice from "./advice.css";
import base from "./base.css";
import diff from "./diff.css";
import evolution from "./evolution.css";
import explain from "./explain.css";
import header from "./header.css";
import layout from "./layout.css";
import levels from "./levels.css";
import metrics from "./metrics.css";
import overview from "./overview.css";
import panels from "./panels.css";
import plots from "./plots.css";
import table from "./table.css";
import toolbar from "./toolbar.css";

export default [
  base,
  header,
  toolbar,
  panels,
  plots,
  levels,
  overview,
  table,
  metrics,
  advice,
  explain,
  layout,
  diff,
  evolution,
].join("\n");
