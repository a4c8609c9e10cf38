/**
 * Bearer tokens: their format, and the file with their hashes.
 *
 * @module
 */
import { decodeFile, FileFaultError, type LineFault, linesOf } from "../../auth/file_errors.ts";
import type { Scope } from "./caller.ts";

/** The prefix of tokens, so that tools that search for secrets find them. */
const PREFIX = "fairway_";
/** The number of random bytes of a token. */
const TOKEN_BYTES = 32;
/** The maximum number of tokens in a file. */
const TOKENS_MAX = 10_000;
/** The valid names of tokens. */
const NAME_REGEXP = /^[\w.@-]{1,64}$/;
const HASH_REGEXP = /^[\da-f]{64}$/;

/** A token in the file. */
export interface TokenEntry {
  /** Its name in logs. */
  readonly name: string;
  /** Its scope. */
  readonly scope: Scope;
  /** The SHA-256 of the token, in 64 hex digits of lower case. */
  readonly hash: string;
}

/** Makes a random token. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return PREFIX + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The SHA-256 of a token, in hex digits. */
export async function hashToken(token: string): Promise<string> {
  const bytes = new TextEncoder().encode(token);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A line of the file. */
export function formatTokenLine({ name, scope, hash }: TokenEntry): string {
  return `${name}:${scope}:${hash}`;
}

/** The fault of the name of a token; `null` for none. */
export function tokenNameFault(name: string): string | null {
  if (NAME_REGEXP.test(name)) return null;
  return "a name has 1 to 64 letters, digits and . _ @ -";
}

/**
 * Reads the lines of a file of tokens: `name:scope:SHA-256` each, or a comment.
 *
 * @throws {FileFaultError} If a line is none of these, or a name comes twice.
 */
export function parseTokens(path: string, bytes: Uint8Array): TokenEntry[] {
  const entries: TokenEntry[] = [];
  const faults: LineFault[] = [];
  const names = new Set<string>();
  for (const [index, line] of linesOf(decodeFile(path, bytes)).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const add = (text: string) => faults.push({ line: index + 1, text });
    const [name = "", scope, hash = "", ...rest] = line.trim().split(":");
    if (tokenNameFault(name) !== null) add(tokenNameFault(name)!);
    else if (scope !== "read" && scope !== "write") add("the scope of a token is read or write");
    else if (!HASH_REGEXP.test(hash) || rest.length > 0) {
      add("expects name:scope:SHA-256, as deno task token writes it");
    } else if (names.has(name)) add(`the name "${name}" was given already`);
    else if (entries.length >= TOKENS_MAX) add(`there are more than ${TOKENS_MAX} tokens`);
    else {
      names.add(name);
      entries.push({ name, scope, hash });
    }
  }
  if (faults.length > 0) throw new FileFaultError(path, faults);
  return entries;
}

/** The tokens of a file. */
export class TokenFile {
  readonly #byHash: ReadonlyMap<string, TokenEntry>;

  /** Takes entries. */
  constructor(entries: readonly TokenEntry[]) {
    this.#byHash = new Map(entries.map((entry) => [entry.hash, entry]));
  }

  /**
   * Reads a file.
   *
   * @throws {FileFaultError} If a line of it cannot be used.
   * @throws If it cannot be read.
   */
  static async open(path: string): Promise<TokenFile> {
    return new TokenFile(parseTokens(path, await Deno.readFile(path)));
  }

  /**
   * The entry of a token; `null` if there is none. An unknown token takes as much time as a known
   * one.
   */
  async find(token: string): Promise<TokenEntry | null> {
    return this.#byHash.get(await hashToken(token)) ?? null;
  }
}
