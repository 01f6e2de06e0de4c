/** Files that the browser saves. */

const LONGEST = 80;

/** A name that every system takes for a file, made of what the model is called; without its ending. */
export function fileName(...parts: string[]): string {
  const plain = parts
    .join(" ")
    .normalize("NFC")
    // Letters, digits and marks of any script, but no controls, directions, separators or wildcards.
    .replace(/[^\p{L}\p{N}\p{M} ._-]+/gu, "-")
    .replace(/\s+/g, "-")
    .replace(/^[.\-_]+|[.\-_]+$/g, "");
  const short = [...plain]
    .slice(0, LONGEST)
    .join("")
    .replace(/[.\-_]+$/, "");
  // Names of devices, which no file may have on some systems.
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(short) ? `_${short}` : short || "weights";
}

export function download(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The download has begun by then; how long it takes does not matter to the address.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
