/** Every metric, chart and scheme is explained in both languages, and the card that says so behaves. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SCHEMES } from "../../../js/src/domain/schemes";
import { PANELS } from "../../../js/src/page/boards";
import { Dashboard } from "../../../js/src/page/Dashboard";
import { useView } from "../../../js/src/state/context";
import { explanationOf } from "../../../js/src/text/explain";
import { language } from "../../../js/src/text/messages";
import { Explain, placed } from "../../../js/src/ui/Explain";
import { Panel } from "../../../js/src/ui/Panel";
import explain from "../../../weightscope_widget/data/explain.json";
import en from "../../../weightscope_widget/data/text/en.json";
import zh from "../../../weightscope_widget/data/text/zh.json";
import { Kernel, LAYERS } from "../kernel";
import { type Mounted, mount, press } from "../page";

const HAN = /\p{Script=Han}/u;
const { sections, schemes, panelTitles } = en.page;
const UNEXPLAINED = ["common_rows"];
const NAMES = Object.keys({ ...en.metrics, ...sections, ...schemes, ...panelTitles, grade: "", health: "" }).filter(
  (name) => !UNEXPLAINED.includes(name),
);
const EXPLANATIONS: Record<"en" | "zh", Record<string, { what: string; why: string; misleads: string }>> = {
  en: en.explain,
  zh: zh.explain,
};
const TOPICS: Record<string, string> = explain.topics;
const FORMULAS: Record<string, string> = explain.formulas;
const topicOf = (name: string): string => TOPICS[name] ?? name;

afterEach(() => {
  language.value = "en";
});

describe("what is explained", () => {
  it("is every metric, section, scheme and panel that has a title", () => {
    expect(NAMES.filter((name) => explanationOf(name) === null)).toEqual([]);
    const shown = [...PANELS.map(({ id }) => id), ...Object.keys(SCHEMES)];
    expect(shown.filter((name) => explanationOf(name) === null)).toEqual([]);
  });

  it("is not more than that", () => {
    const used = new Set(NAMES.map(topicOf));
    expect(Object.keys(EXPLANATIONS.en).filter((topic) => !used.has(topic))).toEqual([]);
  });

  it.each(["constructor", "toString", "kurtosis_of_rows", ""])("is not %j", (name) => {
    expect(explanationOf(name)).toBeNull();
  });

  it("is the same in both languages, in the same order", () => {
    expect(Object.keys(EXPLANATIONS.zh)).toEqual(Object.keys(EXPLANATIONS.en));
  });

  it("has a formula where it is computed, of symbols alone", () => {
    for (const name of ["condition_number", "stable_rank", "sqnr_db", "p25", "extreme_outlier_count", "risk"])
      expect([name, explanationOf(name)?.formula]).toEqual([name, FORMULAS[topicOf(name)]]);
    expect(Object.keys(FORMULAS).filter((topic) => topicOf(topic) !== topic)).toEqual([]);
    const words = Object.values(FORMULAS).flatMap((formula) => formula.match(/\p{L}{5,}/gu) ?? []);
    expect(new Set(words)).toEqual(new Set(["scale", "scaleᵢ", "median", "tuned", "chance"]));
  });

  const all = (["en", "zh"] as const).flatMap((spoken) =>
    Object.entries(EXPLANATIONS[spoken]).map(([topic, explanation]) => ({ spoken, topic, explanation })),
  );

  it.each(all)("$topic in $spoken has three short parts in that language", ({ spoken, explanation }) => {
    const { what, why, misleads } = explanation;
    for (const part of [what, why, misleads]) {
      expect(HAN.test(part)).toBe(spoken === "zh");
      expect(part).toMatch(spoken === "zh" ? /[。]$/ : /[.]$/);
      expect(part.length).toBeGreaterThan(spoken === "zh" ? 5 : 15);
      expect(part.length).toBeLessThan(spoken === "zh" ? 130 : 290);
    }
    expect(new Set([what, why, misleads]).size).toBe(3);
    expect(JSON.stringify(explanation)).not.toMatch(/[$<>]{2}|\\\\|<\/|undefined/);
  });

  it.each([
    ["sqnr_db", ["38–39 dB", "40", "8"]],
    ["condition_number", ["768×768", "3500", "∞"]],
    ["stable_rank", ["25 %", "30 %"]],
    ["quantization", ["GPTQ", "AWQ"]],
    ["cosine_similarity", ["26 dB", "0.9987"]],
    ["risk", ["SQNR"]],
  ])("the limits of %s are named in both languages", (name, limits) => {
    for (const spoken of ["en", "zh"] as const) {
      const { misleads } = EXPLANATIONS[spoken][topicOf(name)] as { misleads: string };
      for (const limit of limits) expect(misleads).toContain(limit);
    }
  });
});

describe("the card", () => {
  const Page = () => (
    <section class="wsw-dashboard">
      <Explain name="sqnr_db" title="SQNR">
        SQNR
      </Explain>
      <Explain name="std" title="<b>bold</b>" />
      <Explain name="unheard_of" title="Unheard of">
        Unheard of
      </Explain>
      <input />
    </section>
  );
  let page: Mounted;
  const buttons = () => [...page.root.querySelectorAll<HTMLButtonElement>("button")];
  const button = (index: number) => buttons()[index] as HTMLButtonElement;
  const cards = () => [...page.root.querySelectorAll<HTMLElement>("[role=dialog]")];
  const titles = () => page.texts(".wsw-card-title");
  const pointDown = (element: Element) =>
    element.dispatchEvent(new Event("pointerdown", { bubbles: true, composed: true }));

  beforeEach(async () => {
    page = await mount(Page);
  });
  afterEach(() => page.after(() => pointDown(document.body)));

  it("has a button where there is an explanation, and leaves the title alone where there is none", () => {
    expect(
      buttons().map((one) => [one.textContent, one.getAttribute("aria-label"), one.getAttribute("aria-expanded")]),
    ).toEqual([
      ["SQNR", null, "false"],
      ["", "About: <b>bold</b>", "false"],
    ]);
    expect(page.root.textContent).toContain("Unheard of");
    expect(cards()).toEqual([]);
  });

  it("opens on a click, says what the catalogue says, and closes on a second one", async () => {
    await page.after(() => button(0).click());
    const { what, why, misleads } = en.explain.sqnr_db;
    expect(titles()).toEqual(["SQNR"]);
    expect(page.texts(".wsw-card dt")).toEqual(["What it is", "Why it matters", "When it misleads"]);
    expect(page.texts(".wsw-card dd")).toEqual([what, why, misleads]);
    expect(page.texts(".wsw-formula")).toEqual(["10 · log₁₀(ΣW² / Σ(Ŵ − W)²)"]);
    const [card] = cards() as [HTMLElement];
    expect([button(0).getAttribute("aria-expanded"), button(0).getAttribute("aria-controls")]).toEqual([
      "true",
      card.id,
    ]);
    expect(document.getElementById(card.getAttribute("aria-labelledby") ?? "")?.textContent).toBe("SQNR");
    expect(document.activeElement).toBe(card);
    await page.after(() => {
      pointDown(button(0)); // as a real click begins
      button(0).click();
    });
    expect([cards(), button(0).getAttribute("aria-expanded")]).toEqual([[], "false"]);
  });

  it("shows titles as text, whatever is in them", async () => {
    await page.after(() => button(1).click());
    expect(titles()).toEqual(["<b>bold</b>"]);
    expect(page.root.querySelector("b")).toBeNull();
  });

  it("closes on Escape, which means nothing else then, and gives the focus back", async () => {
    const heard: string[] = [];
    page.root.addEventListener("keydown", ({ key }) => heard.push(key));
    await page.after(() => button(0).click());
    const [card] = cards() as [HTMLElement];
    await page.after(() => press(card, "a"));
    expect(cards()).toHaveLength(1);
    await page.after(() => press(card, "Escape"));
    expect([cards(), heard, document.activeElement]).toEqual([[], ["a"], button(0)]);
    await page.after(() => press(button(0), "Escape"));
    expect(heard).toEqual(["a", "Escape"]);
  });

  it("closes when something else is pointed at, but not itself", async () => {
    await page.after(() => button(0).click());
    await page.after(() => pointDown((cards()[0] as HTMLElement).querySelector("dd") as Element));
    expect(cards()).toHaveLength(1);
    await page.after(() => pointDown(document.body));
    expect(cards()).toEqual([]);
  });

  it("closes when the focus goes on in the dashboard, but not when the notebook takes it", async () => {
    const outside = document.createElement("input");
    document.body.append(outside);
    await page.after(() => button(0).click());
    await page.after(() => outside.focus());
    expect(cards()).toHaveLength(1);
    await page.after(() => page.find("input").focus());
    expect(cards()).toEqual([]);
  });

  it("is one at a time", async () => {
    await page.after(() => button(0).click());
    await page.after(() => button(1).click());
    expect(titles()).toEqual(["<b>bold</b>"]);
    expect(buttons().map((one) => one.getAttribute("aria-expanded"))).toEqual(["false", "true"]);
  });

  it("changes its language while it is open", async () => {
    await page.after(() => button(1).click());
    await page.after(() => {
      language.value = "zh";
    });
    expect(page.texts(".wsw-card dt")).toEqual(["是什么", "为什么有用", "何时会误导"]);
    expect(page.texts(".wsw-card dd")[0]).toBe(EXPLANATIONS.zh.std.what);
    expect(button(1).getAttribute("aria-label")).toBe("解读：<b>bold</b>");
  });

  it("listens to nothing once it is closed", async () => {
    const before = button(0);
    await page.after(() => before.click());
    await page.after(() => press(before, "Escape"));
    before.blur();
    await page.after(() => press(document.body, "Escape"));
    expect(document.activeElement).not.toBe(before);
  });
});

describe("its place", () => {
  const view = { width: 800, height: 600 };
  const card = { width: 340, height: 200 };
  it.each([
    ["below the button", { left: 100, top: 100, bottom: 124 }, [100, 128]],
    ["above it where there is no room below", { left: 100, top: 500, bottom: 524 }, [100, 296]],
    ["within the right edge", { left: 790, top: 100, bottom: 124 }, [452, 128]],
    ["within the left edge", { left: -50, top: 100, bottom: 124 }, [8, 128]],
  ] as const)("is %s", (_, anchor, expected) => {
    expect(placed(anchor, card, view)).toEqual(expected);
  });

  it("is in view where it fits neither below nor above, and starts in view where it does not fit at all", () => {
    expect(placed({ left: 8, top: 150, bottom: 174 }, { width: 340, height: 500 }, view)).toEqual([8, 92]);
    expect(placed({ left: 8, top: 150, bottom: 174 }, { width: 900, height: 700 }, view)).toEqual([8, 8]);
  });
});

describe("on the page", () => {
  const Whole = () => <Dashboard view={useView()} />;
  const explained = (root: Element, selector: string): string[] =>
    [...root.querySelectorAll(selector)].map((one) => one.getAttribute("aria-label") ?? one.textContent ?? "");

  it("every panel has its button, and it explains that panel", async () => {
    const { root, after, texts } = await mount(Whole);
    expect(explained(root, ".wsw-panel-header .wsw-explain")).toEqual(
      PANELS.map(({ id }) => `About: ${panelTitles[id as keyof typeof panelTitles]}`),
    );
    for (const { id } of PANELS) {
      await after(() => root.querySelector<HTMLElement>(`.wsw-${id} .wsw-panel-header .wsw-explain`)?.click());
      expect([id, texts(".wsw-card dd")[0]]).toEqual([id, explanationOf(id)?.what]);
    }
  });

  it("every metric and scheme of a layer has its own, and the names of rows stay", async () => {
    const values = {
      ...LAYERS[1]?.values,
      "basic_stats.std": 0.1,
      "sparsity.p90": 0.2,
      "schemes.nf4_block64_sqnr_db": 20.7,
      "schemes.fp9_sqnr_db": 30,
    };
    const kernel = new Kernel([{ name: "w", values }]);
    kernel.set("selected", "w");
    const { root, find, after, texts } = await mount(Whole, kernel);
    const rows = [...root.querySelectorAll<HTMLElement>(".wsw-metrics tr[data-metric]")];
    expect(rows.length).toBeGreaterThan(7);
    const bare = rows.filter((row) => !row.querySelector("th .wsw-explained")).map((row) => row.dataset.metric);
    expect(bare).toEqual(["fp9"]);
    expect(texts(".wsw-metrics [data-metric=std] th")).toEqual(["Standard deviation"]);
    await after(() => find(".wsw-metrics [data-metric=nf4_block64] button").click());
    expect([texts(".wsw-card-title"), texts(".wsw-card dd")[0]]).toEqual([
      ["NF4, blocks of 64"],
      EXPLANATIONS.en.nf4_block64.what,
    ]);
  });

  it("a panel that nothing explains has no button", async () => {
    const { root, texts } = await mount(() => (
      <Panel name="of-tomorrow">
        <p />
      </Panel>
    ));
    expect([texts("h3"), root.querySelectorAll(".wsw-explain").length]).toEqual([["of-tomorrow"], 0]);
  });
});
