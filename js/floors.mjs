// Checks which module of js/src imports which: each folder only what stands below it, types included, and nothing in a circle.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** What the modules of a folder may import besides each other. `text` and `theme` are open to all but `wire` and `domain`. */
const BELOW = {
  wire: [],
  domain: ["wire"],
  theme: ["wire", "domain"],
  text: ["wire", "domain"],
  state: ["wire", "domain", "text", "theme"],
  charts: ["wire", "domain", "text", "theme", "state"],
  export: ["wire", "domain", "text", "theme", "state", "charts"],
  ui: ["wire", "domain", "text", "theme", "state", "charts", "export"],
  panels: ["wire", "domain", "text", "theme", "state", "charts", "export", "ui"],
  page: ["wire", "domain", "text", "theme", "state", "charts", "export", "ui", "panels"],
  entries: ["wire", "domain", "text", "theme", "state", "charts", "export", "ui", "panels", "page"],
};
/** Panels whose parts other panels may use. */
const SHARED_PANELS = ["spectrum", "table", "weights"];
const IMPORT = /^(?:import|export)\b[^;"]*?\bfrom\s+"(\.[^"]*)"|^import\s+"(\.[^"]*)"|\bimport\("(\.[^"]*)"\)/gm;

const source = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "src");

function resolved(path) {
  return [path, `${path}.ts`, `${path}.tsx`, join(path, "index.ts"), join(path, "index.tsx")].find(
    (candidate) => /\.tsx?$/.test(candidate) && existsSync(candidate),
  );
}

/** Of each module, the modules that it imports, both as paths below js/src. */
const imports = new Map();
for (const file of readdirSync(source, { recursive: true, encoding: "utf8" })) {
  if (!/\.tsx?$/.test(file)) continue;
  const path = join(source, file);
  const found = [...readFileSync(path, "utf8").matchAll(IMPORT)].flatMap((match) => {
    const target = resolved(normalize(join(dirname(path), match[1] ?? match[2] ?? match[3])));
    return target ? [relative(source, target)] : [];
  });
  imports.set(relative(source, path), found);
}

const problems = [];
for (const [module, targets] of imports)
  for (const target of targets) {
    const [[floor, panel], [other, otherPanel]] = [module.split("/"), target.split("/")];
    if (!(floor in BELOW)) problems.push(`${module}: js/floors.mjs does not know the folder ${floor}`);
    else if (floor !== other && !BELOW[floor].includes(other))
      problems.push(`${module} imports ${target}, which is above it`);
    else if (floor === "panels" && other === "panels" && panel !== otherPanel && !SHARED_PANELS.includes(otherPanel))
      problems.push(`${module} imports ${target}, which belongs to another panel`);
  }

const state = new Map();
function walk(module, path) {
  state.set(module, "open");
  for (const target of imports.get(module) ?? []) {
    if (state.get(target) === "open") {
      const circle = [...path, module];
      problems.push(`a circle: ${[...circle.slice(circle.indexOf(target)), target].join(" → ")}`);
    } else if (!state.has(target)) walk(target, [...path, module]);
  }
  state.set(module, "closed");
}
for (const module of imports.keys()) if (!state.has(module)) walk(module, []);

for (const problem of problems) console.error(problem);
process.exit(problems.length ? 1 : 0);
