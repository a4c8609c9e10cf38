/** The tokens of the admin listeners of a server with workers. */
import type { Scope } from "../../admin/access/caller.ts";
import { hashToken, newToken, type TokenEntry, TokenFile } from "../../admin/access/token_file.ts";
import type { NodeTokens } from "./node_admins.ts";

/** The token that is printed at the start, and its hash, which the nodes know. */
export interface AdminToken {
  readonly token: string;
  readonly hash: string;
}

/** Makes a random token. */
export async function makeAdminToken(): Promise<AdminToken> {
  const token = newToken();
  return { token, hash: await hashToken(token) };
}

/** The entry of a token that was printed. */
export function printedEntry(hash: string): TokenEntry {
  return { name: "printed-at-start", scope: "write", hash };
}

/** The tokens of a listener that knows this one only. */
export function onlyToken(hash: string): TokenFile {
  return new TokenFile([printedEntry(hash)]);
}

/** Makes the tokens that the nodes know of each other, and their entries in a file. */
export async function makeNodeTokens(): Promise<{ tokens: NodeTokens; entries: TokenEntry[] }> {
  const tokens = { read: newToken(), write: newToken() };
  const entryOf = async (scope: Scope) => ({
    name: `node-${scope}`,
    scope,
    hash: await hashToken(tokens[scope]),
  });
  return { tokens, entries: [await entryOf("read"), await entryOf("write")] };
}
