import { describe, expect, it } from "vitest";
import { decodeFloat64, type EncodedTable, Stage, Table } from "../../../js/src/wire/model";

/** What Python's `struct.pack("<d", …)` writes. */
const PACKED = {
  one: "000000000000f03f",
  tenth: "9a9999999999b93f",
  minusZero: "0000000000000080",
  many: "0000000065cdfd41", // 8e9, more than 32 bits hold
  tiny: "2f30b7b3a7c9ba81", // −2.5e-300
  infinity: "000000000000f07f",
  nan: "000000000000f87f",
  two: "0000000000000040",
};

/** Bytes as a message brings them: somewhere inside a larger buffer. */
function view(hex: string, before = 0): DataView {
  const bytes = (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  return new DataView(new Uint8Array([...Array(before).fill(0xab), ...bytes, 0xcd, 0xef]).buffer, before, bytes.length);
}

describe("float64 from the kernel", () => {
  it.each([0, 1, 8, 13])("is exact, %d bytes into its buffer", (before) => {
    const { one, tenth, minusZero, many, tiny, infinity, nan } = PACKED;
    const decoded = decodeFloat64(view(one + tenth + minusZero + many + tiny + infinity + nan, before));
    expect([...decoded]).toEqual([1, 0.1, -0, 8e9, -2.5e-300, Number.POSITIVE_INFINITY, Number.NaN]);
  });

  it("is a copy, which outlives the message", () => {
    const message = view(PACKED.one);
    const decoded = decodeFloat64(message);
    message.setFloat64(0, 5);
    expect([...decoded]).toEqual([1]);
  });

  it("is refused where bytes are missing", () => {
    expect(() => decodeFloat64(view(PACKED.one.slice(2)))).toThrow(RangeError);
  });
});

describe("the table", () => {
  const table = (hex: string, columns = ["parameters", "stage", "spectral.condition_number"]) =>
    new Table({ columns, data: view(hex, 3), errors: {}, progress: {} as EncodedTable["progress"] }, 2);
  const { one, two, tenth, many, infinity, nan } = PACKED;
  const WHOLE = many + one + two + one + nan + infinity;

  it("reads a layer's numbers out of its columns", () => {
    const whole = table(WHOLE);
    expect(whole.names).toEqual(["parameters", "stage", "spectral.condition_number"]);
    const rows = [0, 1].map((row) => whole.names.map((column) => whole.value(column, row)));
    expect(rows).toEqual([
      [8e9, 2, Number.NaN],
      [1, 1, Number.POSITIVE_INFINITY],
    ]);
    expect([whole.stage(0), whole.stage(1)]).toEqual([Stage.Done, Stage.Partial]);
  });

  it.each([
    ["a column that it has not", "quantization.sqnr_db", 0],
    ["a name that every object has", "constructor", 0],
    ["a row beyond the last", "parameters", 2],
    ["a row before the first", "stage", -1],
  ])("has no value for %s", (_, column, row) => {
    expect(table(WHOLE).value(column, row)).toBeNaN();
  });

  it("has no values, and nobody else's, where the columns are cut short", () => {
    const cut = table(many + one + two, ["parameters", "stage", "tenth"]);
    expect([cut.value("parameters", 1), cut.stage(0)]).toEqual([1, 2]);
    expect([cut.stage(1), cut.value("tenth", 0), cut.value("tenth", 1)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(table(tenth, ["parameters"]).value("parameters", 0)).toBe(0.1);
  });
});
