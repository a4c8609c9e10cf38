/** Escapes foreign text, so that it can be printed and logged safely. */

/** A backslash, and characters that a terminal or a reader of lines might interpret. */
const UNSEEN_REGEXP = /[\\\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * Escapes a text so that it stays on one line and shows its characters. A text from a client, a
 * proxy, a certificate, a token or a service may contain line ends and terminal codes.
 *
 * Control characters (C0, DEL, C1), U+2028, U+2029, the controls of the writing direction and
 * halves of surrogate pairs become `\u000a`, four lower-case hexadecimal digits each; a backslash
 * becomes `\\`. So every backslash begins an escape, and the text can be recovered from its line.
 */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN_REGEXP, (unseen) => {
    return unseen === "\\" ? "\\\\" : `\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** A line that may be printed: all foreign text in it was escaped by {@linkcode visible}. */
export class Line {
  /** The text, without an end of line. */
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** Makes a line of any text. */
  static of(text: string | Line): Line {
    return text instanceof Line ? text : new Line(visible(text));
  }

  /** Fills a template. The words are trusted, and each value is a line or is made one. */
  static fill(words: readonly string[], values: readonly (string | number | Line)[]): Line {
    const texts = values.map((value) =>
      Line.of(typeof value === "number" ? `${value}` : value).text
    );
    return new Line(String.raw({ raw: words }, ...texts));
  }
}

/** Makes a line of a template: `` line`connect ${clientId}` ``. */
export function line(
  words: TemplateStringsArray,
  ...values: readonly (string | number | Line)[]
): Line {
  return Line.fill(words, values);
}

/** A text in double quotes; those within it become `\"`. */
export function quoted(text: string): Line {
  const inner = text.split('"').map(Line.of).reduce((before, after) => line`${before}\\"${after}`);
  return line`"${inner}"`;
}
