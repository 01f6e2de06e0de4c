// Bundles the front end of all dashboards, stylesheet included, into the one file that the Python package carries.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const entry = join(root, "js", "src", "entries", "index.tsx");
const bundle = join(root, "weightscope_widget", "static", "index.js");
if (!existsSync(entry)) {
  console.error("There is no js/src/entries/index.tsx to bundle; restore it from the repository.");
  process.exit(1);
}

/** The licenses of what is bundled, each text once, as a comment: they ask to travel with every copy. */
function notices(metafile) {
  const packages = new Map();
  for (const input of Object.keys(metafile.inputs)) {
    const [found, name] = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
    if (!found || packages.has(name)) continue;
    const folder = join(root, found);
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    const text = file ? readFileSync(join(folder, file), "utf8") : "";
    packages.set(name, { text, ...JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) });
  }
  const texts = new Map();
  for (const { name, version, license, text } of [...packages.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const [holders, terms] = [[], []];
    for (const line of text.split("\n")) {
      (/^\s*copyright \D*\d/i.test(line) ? holders : terms).push(line.trim());
    }
    const key = terms.join(" ").replaceAll("*/", "").replace(/\s+/g, " ").trim();
    texts.set(key, [...(texts.get(key) ?? []), [`${name} ${version} (${license})`, ...holders].join(", ")]);
  }
  return `/*!\n${[...texts].map(([terms, users]) => `${users.join("\n")}\n${terms}\n`).join("\n")}*/\n`;
}

/** Replaced whole, so that a kernel or a test that reads it meanwhile never sees half a file. */
const write = {
  name: "write",
  setup(build) {
    build.onEnd(({ errors, metafile, outputFiles }) => {
      if (errors.length) return;
      mkdirSync(dirname(bundle), { recursive: true });
      writeFileSync(`${bundle}.tmp`, outputFiles[0].text + notices(metafile));
      renameSync(`${bundle}.tmp`, bundle);
    });
  },
};

/** Stylesheets travel inside the module, as text. */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code, loader: "text" };
    });
  },
};

const options = {
  absWorkingDir: root,
  entryPoints: [entry],
  outfile: bundle,
  bundle: true,
  minify: true,
  format: "esm",
  charset: "utf8",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  write: false,
  plugins: [styles, write],
};

if (process.argv.includes("--watch")) {
  await (await esbuild.context(options)).watch();
  console.log("Watching js/; press Ctrl-C to stop.");
} else {
  await esbuild.build(options).catch(() => process.exit(1));
}
