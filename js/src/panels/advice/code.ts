/**
 * The texts that plans are copied as, as `weightscope_widget/recommendations/recipes.py` writes them. Names come from checkpoints
 * and may hold anything: they are written as quoted strings, and as patterns only escaped.
 */

const lines = (...all: string[]): string => `${all.join("\n")}\n`;

/** A string literal that Python and YAML read alike: printable ASCII, the rest escaped. */
export function quote(text: string): string {
  // By code points, as Python counts: a character beyond 16 bits is one escape, a lone surrogate another.
  return `"${Array.from(text, escaped).join("")}"`;
}

function escaped(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  const code = character.codePointAt(0) as number;
  if (code >= 0x20 && code < 0x7f) return character;
  const digits = code.toString(16);
  return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}

/** A regular expression that matches a name and nothing else. */
export function pattern(name: string): string {
  return name.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}

/** A module in `llm_int8_skip_modules`, which older transformers take for names and newer ones for patterns. */
export function bitsandbytesName(name: string): string {
  return /^[A-Za-z0-9_.-]+$/.test(name) ? name : pattern(name);
}

/** A module in llm-compressor's `ignore`, with or without the prefix that files often lack. */
export function ignorePattern(name: string, whole: boolean): string {
  return `re:(.*\\.)?${pattern(name)}${whole ? "(\\..*)?$" : "$"}`;
}

function block(opening: string, entries: string[], closing: string): string[] {
  return entries.length > 0
    ? [opening, ...entries.map((entry) => `        ${entry},`), closing]
    : [opening + closing.trim()];
}

export function bitsandbytesText(scheme: string, skip: string[]): string {
  const kind =
    scheme === "int8_channel"
      ? ["    load_in_8bit=True,"]
      : ["    load_in_4bit=True,", '    bnb_4bit_quant_type="nf4",', '    bnb_4bit_compute_dtype="bfloat16",'];
  return lines(
    "from transformers import BitsAndBytesConfig",
    "",
    "quantization_config = BitsAndBytesConfig(",
    ...kind,
    ...block("    llm_int8_skip_modules=[", skip.map(quote), "    ],"),
    ")",
  );
}

export function llmCompressorText(weights: [string, string | number][], ignore: string[]): string {
  return lines(
    "default_stage:",
    "  default_modifiers:",
    "    QuantizationModifier:",
    ...(ignore.length > 0
      ? ["      ignore:", ...ignore.map((entry) => `        - ${quote(entry)}`)]
      : ["      ignore: []"]),
    "      config_groups:",
    "        group_0:",
    '          targets: ["Linear"]',
    "          weights:",
    ...weights.map(([key, value]) => `            ${key}: ${value}`),
  );
}

export function peftText(r: number, targets: string[], ranks: [string, number][]): string {
  return lines(
    "from peft import LoraConfig",
    "",
    "config = LoraConfig(",
    `    r=${r},`,
    ...block("    target_modules=[", targets.map(quote), "    ],"),
    ...block(
      "    rank_pattern={",
      ranks.map(([key, rank]) => `${quote(key)}: ${rank}`),
      "    },",
    ),
    ")",
  );
}
