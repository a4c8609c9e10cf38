/**
 * Makes tokens for the admin listener: `deno task token FILE NAME [read|write]`.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import {
  formatTokenLine,
  hashToken,
  newToken,
  parseTokens,
  tokenNameFault,
} from "../admin/access/token_file.ts";
import { ExitCode, runCommand } from "./command.ts";
import { exposureOf } from "./exposed.ts";
import { readLines, writeLines } from "./password_lines.ts";
import { FlagError } from "./flag_error.ts";
import { complain, say, sayPage } from "./terminal.ts";

const HELP = `Usage: deno task token FILE NAME [read|write]
       deno task token -D FILE NAME

Makes a token for the admin listener, prints it, and keeps its hash in a file for
fairway_admin_tokens. One of the same name is replaced. It is printed this once.

  read          the token is good for looking only (the default)
  write         the token is good for changes too
  -D, --delete  deletes the token of that name
  --help        this text
`;

if (import.meta.main) await runCommand(main);

async function main(args: string[]): Promise<number> {
  const flags = parseArgs(args, {
    boolean: ["delete", "help"],
    alias: { D: "delete" },
    unknown: (argument) => {
      if (argument.startsWith("-")) throw new FlagError(`Unknown argument: ${argument}`);
    },
  });
  if (flags.help) {
    sayPage(HELP);
    return ExitCode.Success;
  }
  const [file, name, scope = "read", ...rest] = flags._.map(String);
  if (file === undefined) throw new FlagError("FILE is missing");
  if (name === undefined) throw new FlagError(`NAME is missing after ${file}`);
  const fault = tokenNameFault(name);
  if (fault !== null) throw new FlagError(`NAME cannot be "${name}": ${fault}`);
  if (scope !== "read" && scope !== "write") {
    throw new FlagError(`The scope is read or write, not "${scope}"`);
  }
  if (rest.length > 0) throw new FlagError(`Unknown argument: ${rest[0]}`);
  await edit(file, name, flags.delete ? null : scope);
  return ExitCode.Success;
}

async function edit(file: string, name: string, scope: "read" | "write" | null): Promise<void> {
  const isThere = await Deno.stat(file).then(() => true, () => false);
  const lines = isThere ? await readLines(file) : [];
  if (isThere) parseTokens(file, await Deno.readFile(file));
  const others = lines.filter((line) => !line.startsWith(`${name}:`));
  if (scope === null) {
    if (others.length === lines.length) throw new Error(`Token ${name} is not in ${file}`);
    return await writeLines(file, others);
  }
  const token = newToken();
  await writeLines(file, [
    ...others,
    formatTokenLine({ name, scope, hash: await hashToken(token) }),
  ]);
  say(token);
  const exposure = await exposureOf(file);
  if (exposure !== null) complain(exposure);
}
