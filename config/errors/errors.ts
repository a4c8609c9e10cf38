/** The faults and warnings of a configuration, with their places. */

/** A place in the configuration. */
export interface Place {
  /** The name of the file, as it was given. */
  readonly file: string;
  /** The line, from 1; 0 for the file as a whole. */
  readonly line: number;
}

/** A fault or warning for the operator, with its place. */
export interface Remark {
  readonly place: Place;
  /** The option that it is about. */
  readonly word: string;
  /** The fault, and the correct form. */
  readonly text: string;
}

/** Formats a remark as one line, `file:line: word: text`; for a whole file, `file: text`. */
export function formatRemark({ place, word, text }: Remark): string {
  if (place.line === 0) return `${place.file}: ${text}`;
  return `${place.file}:${place.line}: ${word}: ${text}`;
}

/** A configuration that cannot be used. The message has one line for each fault. */
export class ConfigError extends Error {
  override readonly name: string = "ConfigError";
  /** All faults, in the order of the lines. */
  readonly remarks: readonly Remark[];

  constructor(remarks: readonly Remark[], options?: ErrorOptions) {
    super(remarks.map(formatRemark).join("\n"), options);
    this.remarks = remarks;
  }
}
