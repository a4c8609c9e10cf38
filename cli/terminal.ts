/**
 * Prints everything except the messages of `sub.ts` and the log files. All output is in one place,
 * so that no foreign text is printed without escapes.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { Line } from "../admin/visible.ts";

/** Prints a line on the standard output. */
export function say(line: string | Line): void {
  console.log("%s", Line.of(line).text);
}

/** Prints a line on the standard error output. */
export function complain(line: string | Line): void {
  console.error("%s", Line.of(line).text);
}

/**
 * Prints a page unchanged: the text of a `--help`, or a configuration of the operator. It must not
 * contain text from peers.
 */
export function sayPage(page: string): void {
  console.log("%s", page.trimEnd());
}

/** Prints a fixed question on the standard error output, and stays on its line. */
export async function ask(question: "Password: " | "Reenter password: "): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(question));
}

/** Ends the line of a question. The terminal may be in raw mode. */
export async function endQuestion(): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode("\r\n"));
}
