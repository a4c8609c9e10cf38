/** Splits files of accounts and rules into lines, and lists their faults. */

/** How many faults of a file one error lists. */
const FAULTS_MAX = 20;

/** Lines that are read in one turn of the event loop. */
export const PAGE_LINES = 1000;

/** What is wrong in one line of a file. */
export interface LineFault {
  /** The line number, from 1. */
  readonly line: number;
  /** What is wrong, and what would be right, in one line. */
  readonly text: string;
}

/** A file of accounts or rules cannot be used; the message has a line `file:line: …` for each fault. */
export class FileFaultError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "FileFaultError";
  /** The file. */
  readonly path: string;
  /** What is wrong, in the order of the lines. */
  readonly faults: readonly LineFault[];

  /**
   * Makes the error and its message.
   *
   * @param faults One or more.
   */
  constructor(path: string, faults: readonly LineFault[]) {
    const lines = faults.slice(0, FAULTS_MAX).map(({ line, text }) => `${path}:${line}: ${text}`);
    if (faults.length > FAULTS_MAX) lines.push(`… and ${faults.length - FAULTS_MAX} more`);
    super(lines.join("\n"));
    this.path = path;
    this.faults = faults;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The lines of a file, without their ends. */
export function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.endsWith("\r") ? line.slice(0, -1) : line);
}

/**
 * Decodes a file.
 *
 * @throws {FileFaultError} If it is not UTF-8.
 */
export function decodeFile(path: string, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new FileFaultError(path, [{ line: faultyLine(bytes), text: "is not UTF-8" }]);
  }
}

/** The first line that is not UTF-8. No byte of a longer sequence is a line feed. */
function faultyLine(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0;; line++) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0) return line;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end + 1;
  }
}
