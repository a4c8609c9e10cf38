/** The command line of `passwd`. */
import { ITERATIONS_MAX, type PasswordScheme } from "../auth/password_hash.ts";
import { wholeNumber } from "./flags.ts";
import { FlagError } from "./flag_error.ts";

/** The iterations of mosquitto 2.0: few, but supported by every version. `-I` sets more. */
const USUAL_ITERATIONS = 101;

/** The common part of all orders. */
interface Common {
  readonly file: string;
  readonly scheme: PasswordScheme;
  readonly iterations: number;
}

/** The edit of a password file. */
export type PasswdOrder =
  & Common
  & (
    | {
      readonly kind: "set";
      readonly username: string;
      /** `null` to ask for it. */
      readonly password: string | null;
      readonly isNew: boolean;
    }
    | { readonly kind: "delete"; readonly username: string }
    | { readonly kind: "hash-all" }
  );

/** The text of `--help`. */
export const PASSWD_HELP = `Usage: deno task passwd [-c] [flags] FILE USER
       deno task passwd [-c] [flags] -b FILE USER PASSWORD
       deno task passwd -D FILE USER
       deno task passwd [flags] -U FILE

Adds a user to a password file, or gives it another password, which is asked
for. The files are those of mosquitto_passwd.

  -c                         begin a new file; one that is there is replaced
  -b                         take the password from the command line, where
                             other users of the machine may see it
  -D                         delete the user
  -U                         hash the passwords of a file that has them as
                             USER:PASSWORD; what is hashed already stays
  -H sha512-pbkdf2 | sha512  how to hash; sha512-pbkdf2 by default
  -I NUMBER                  rounds of sha512-pbkdf2: more make guessing, and
                             each login, take longer; ${USUAL_ITERATIONS} by default
  --help                     this text

Examples:
  deno task passwd -c passwords ann
  deno task passwd -I 20000 passwords bob
`;

/**
 * Parses the command line; `null` for `--help`.
 *
 * @throws {FlagError} If it is invalid.
 */
export function parsePasswdArgs(args: readonly string[]): PasswdOrder | null {
  const given = new Set<string>();
  const words: string[] = [];
  let scheme: PasswordScheme = "sha512-pbkdf2";
  let iterations: number | null = null;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    // The arguments after the file are a name or a password, even if they look like flags.
    if (words.length > 0 || !arg.startsWith("-") || arg === "-") words.push(arg);
    else if (arg === "--help") return null;
    else if (arg === "-H") scheme = schemeOf(args[++at]);
    else if (arg === "-I") {
      const value = args[++at];
      if (value === undefined) throw new FlagError("-I needs a value: NUMBER");
      iterations = wholeNumber("-I", value, 1, ITERATIONS_MAX);
    } else if (["-b", "-c", "-D", "-U"].includes(arg)) given.add(arg);
    else throw new FlagError(`Unknown argument: ${arg}`);
  }
  if (scheme === "sha512" && iterations !== null) {
    throw new FlagError("-I is for sha512-pbkdf2: sha512 has no rounds");
  }
  const order = orderOf(given, words);
  return { ...order, scheme, iterations: scheme === "sha512" ? 1 : iterations ?? USUAL_ITERATIONS };
}

function schemeOf(value: string | undefined): PasswordScheme {
  if (value === "sha512" || value === "sha512-pbkdf2") return value;
  throw new FlagError(`-H needs sha512-pbkdf2 or sha512, not "${value ?? ""}"`);
}

type Order = PasswdOrder extends infer O ? O extends Common ? Omit<O, "scheme" | "iterations">
  : never
  : never;

function orderOf(given: ReadonlySet<string>, words: readonly string[]): Order {
  const has = (flag: string) => given.has(flag);
  for (
    const [one, other] of [["-c", "-D"], ["-c", "-U"], ["-D", "-U"], ["-b", "-D"], ["-b", "-U"]]
  ) {
    if (has(one!) && has(other!)) throw new FlagError(`${one} and ${other} exclude each other`);
  }
  const wanted = has("-U") ? ["FILE"] : has("-b") ? ["FILE", "USER", "PASSWORD"] : ["FILE", "USER"];
  if (words.length < wanted.length) throw new FlagError(`${wanted[words.length]} is missing`);
  if (words.length > wanted.length) {
    const tip = wanted.length === 2 && !has("-D") ? " (a password takes -b)" : "";
    throw new FlagError(`One word too many: "${words[wanted.length]}"${tip}`);
  }
  const [file, username, password] = words as [string, string, string];
  if (has("-U")) return { kind: "hash-all", file };
  checkUsername(username);
  if (has("-D")) return { kind: "delete", file, username };
  return { kind: "set", file, username, password: has("-b") ? password : null, isNew: has("-c") };
}

/** Refuses characters that the file's format does not allow in a name. */
function checkUsername(username: string): void {
  if (username === "") throw new FlagError("USER is empty");
  // deno-lint-ignore no-control-regex
  const [character] = /[:\x00-\x1f\x7f]/.exec(username) ?? [];
  if (character !== undefined) {
    throw new FlagError(`USER must not have ${JSON.stringify(character)} in it`);
  }
  if (username !== username.trim() || username.startsWith("#")) {
    throw new FlagError("USER must not begin with #, nor begin or end with a space");
  }
}
