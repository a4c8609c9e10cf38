/** Where in the configuration something stands. */
export interface Place {
  /** The file, as it was named. */
  readonly file: string;
  /** The line, from 1 on; 0 for the file as a whole. */
  readonly line: number;
}

/** Something about a configuration that its operator should know, and where. */
export interface Remark {
  readonly place: Place;
  /** The word that it is about. */
  readonly word: string;
  /** What is wrong, and what would be right. */
  readonly text: string;
}

/** Writes a remark in one line, `file:line: word: text`; of a whole file, `file: text`. */
export function formatRemark({ place, word, text }: Remark): string {
  if (place.line === 0) return `${place.file}: ${text}`;
  return `${place.file}:${place.line}: ${word}: ${text}`;
}

/** A configuration that cannot be used. Its message has one line for each thing that is wrong. */
export class ConfigError extends Error {
  override readonly name: string = "ConfigError";
  /** Everything that is wrong, in the order of the lines. */
  readonly remarks: readonly Remark[];

  constructor(remarks: readonly Remark[], options?: ErrorOptions) {
    super(remarks.map(formatRemark).join("\n"), options);
    this.remarks = remarks;
  }
}
