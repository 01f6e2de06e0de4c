import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CLASSES, type ClassifiedMetric, classify, grade, health, risk } from "../../../js/src/domain/assessment";
import type { Thresholds } from "../../../js/src/wire/model";

/** Shared with `tests/python/assessment/test_assessment_parity.py`, so that Python and the page judge alike. */
interface Cases {
  thresholds: Thresholds;
  classes: { metric: ClassifiedMetric; value: number | string; class: string | null }[];
  judgements: {
    condition_number: number | string;
    extreme_outlier_percentage: number | string;
    health: number | null;
    grade: string | null;
    risk: number | string;
  }[];
}

const cases: Cases & { moved: Cases; grades: [number, string][] } = JSON.parse(
  readFileSync("tests/fixtures/assessment_cases.json", "utf8"),
);

describe.each([cases, cases.moved])("with $thresholds", ({ thresholds, classes, judgements }) => {
  it.each(classes)("$metric of $value is $class", ({ metric, value, class: name }) => {
    expect(classify(metric, Number(value), thresholds)?.name ?? null).toBe(name);
  });

  it.each(judgements)("κ $condition_number and $extreme_outlier_percentage % score $health", (one) => {
    const [condition, outliers] = [Number(one.condition_number), Number(one.extreme_outlier_percentage)];
    expect(health(condition, outliers, thresholds)).toBe(one.health);
    expect(grade(health(condition, outliers, thresholds))).toBe(one.grade);
    expect(risk(condition, outliers, thresholds)).toEqual(Number(one.risk));
  });
});

it.each(cases.grades)("a score of %d is %s", (score, name) => {
  expect(grade(score)).toBe(name);
});

it("colours classes as the document does", () => {
  const colours = (metric: ClassifiedMetric) => CLASSES[metric].map(({ level }) => level);
  expect(colours("condition_number")).toEqual(["green", "yellow", "orange", "red"]);
  expect(colours("sqnr_db")).toEqual(["green", "yellow", "red"]);
  expect(colours("extreme_outlier_percentage")).toEqual(["green", "yellow", "orange", "red"]);
  expect(colours("stable_rank_percentage")[0]).toBe("red");
});
