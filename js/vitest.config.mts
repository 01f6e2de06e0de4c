import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [
    {
      // As the build has it: a stylesheet is imported as text.
      name: "styles",
      enforce: "pre",
      async resolveId(source, importer) {
        const found = source.endsWith(".css") ? await this.resolve(source, importer, { skipSelf: true }) : null;
        return found && `${found.id}?raw`;
      },
    },
  ],
  test: {
    environment: "happy-dom",
    // Each file has a page of its own, at half the time of a process for each.
    pool: "vmThreads",
    include: ["tests/js/**/*.test.{ts,tsx}"],
    // Otherwise stylesheets arrive empty.
    css: true,
    setupFiles: ["tests/js/setup.ts"],
    restoreMocks: true,
  },
});
