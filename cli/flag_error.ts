/** The error of an invalid command line. */

/** An invalid command line. The message says what would be valid. */
export class FlagError extends Error {
  override readonly name: string = "FlagError";
}
