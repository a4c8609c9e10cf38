/**
 * What an error is and where it comes from, in one line: `TypeError: … | f (file:1:2) | …`. Its
 * message may be of any origin: {@linkcode import("./visible.ts").visible} is still to be applied.
 */
export function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? `${error.name}: ${error.message}`;
  return stack.replaceAll(/\n +at /g, " | ");
}
