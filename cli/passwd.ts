/**
 * Creates and edits password files, like mosquitto_passwd: `deno task passwd FILE USER`.
 *
 * @module
 */
import { hashPassword } from "../auth/password_hash.ts";
import { exposureOf } from "./exposed.ts";
import { ExitCode, runCommand } from "./command.ts";
import { askPassword } from "./hidden_prompt.ts";
import { parsePasswdArgs, PASSWD_HELP, type PasswdOrder } from "./passwd_flags.ts";
import { deleteUser, hashAll, readLines, setUser, writeLines } from "./password_lines.ts";
import { complain, sayPage } from "./terminal.ts";

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<number> {
  const order = parsePasswdArgs(args);
  if (order === null) sayPage(PASSWD_HELP);
  else await carryOut(order);
  return ExitCode.Success;
}

async function carryOut(order: PasswdOrder): Promise<void> {
  await edit(order);
  const exposure = await exposureOf(order.file);
  if (exposure !== null) complain(exposure);
}

async function edit(order: PasswdOrder): Promise<void> {
  const { file, kind } = order;
  const hash = (password: string) =>
    hashPassword(new TextEncoder().encode(password), order.scheme, order.iterations);
  if (kind === "set") {
    // Ask before the file is read: the prompt may take long, and the file may change meanwhile.
    const password = order.password ?? await askPassword();
    if (password === "") throw new Error("Empty password");
    const lines = order.isNew ? [] : await readLines(file);
    await writeLines(file, setUser(lines, order.username, await hash(password)));
  } else if (kind === "delete") {
    const lines = await readLines(file);
    const left = deleteUser(lines, order.username);
    if (left.length === lines.length) {
      throw new Error(`User ${order.username} is not in ${file}`);
    }
    await writeLines(file, left);
  } else {
    const { lines, hashed } = await hashAll(await readLines(file), file, hash);
    if (hashed === 0) complain(`Every password in ${file} is hashed already`);
    else await writeLines(file, lines);
  }
}
