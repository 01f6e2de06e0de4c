/** Light or dark: what the person chose, else what the page around says. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Theme } from "../wire/model";
import type { Scheme } from "./palette";

/** JupyterLab and Notebook say it on the body, VS Code by a class, everyone else by the browser's preference. */
export function detectScheme(theme: Theme): Scheme {
  if (theme !== "auto") return theme;
  const { dataset, classList } = document.body;
  if (dataset.jpThemeLight !== undefined) return dataset.jpThemeLight === "false" ? "dark" : "light";
  if (classList.contains("vscode-dark") || classList.contains("vscode-high-contrast")) return "dark";
  if (classList.contains("vscode-light") || classList.contains("vscode-high-contrast-light")) return "light";
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** The scheme as a signal, and what stops watching the page around. */
export function watchScheme(theme: ReadonlySignal<Theme>): [ReadonlySignal<Scheme>, () => void] {
  const around = signal(detectScheme("auto"));
  const update = (): void => {
    around.value = detectScheme("auto");
  };
  const observer = new MutationObserver(update);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  const preference = window.matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", update);
  const stop = (): void => {
    observer.disconnect();
    preference.removeEventListener("change", update);
  };
  return [computed(() => (theme.value === "auto" ? around.value : theme.value)), stop];
}
