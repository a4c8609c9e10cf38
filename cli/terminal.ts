/**
 * All that the commands and the server print, but for the messages of `sub.ts` and the files of
 * the log: one place, so that nothing from outside is printed as it came.
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
 * Prints a page as it is: the text of a `--help`, or a configuration that its operator has written.
 * Nothing that a peer has said may be in it.
 */
export function sayPage(page: string): void {
  console.log("%s", page.trimEnd());
}

/** Asks a question of ours on the standard error output, and stays on its line. */
export async function ask(question: "Password: " | "Reenter password: "): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(question));
}

/** Ends the line of a question; the terminal may be in raw mode. */
export async function endQuestion(): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode("\r\n"));
}
