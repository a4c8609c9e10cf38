/** The stack of an error as one line. */

/**
 * An error and its stack in one line: `TypeError: … | f (file:1:2) | …`. Its message may contain
 * any text, so {@linkcode import("./visible.ts").visible} must still be applied.
 */
export function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? `${error.name}: ${error.message}`;
  return stack.replaceAll(/\n +at /g, " | ");
}
