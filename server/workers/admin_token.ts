/** The token of the admin listener of a server with workers. */
import { hashToken, newToken, TokenFile } from "../../admin/access/token_file.ts";

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

/** The tokens of a listener that knows this one only. */
export function onlyToken(hash: string): TokenFile {
  return new TokenFile([{ name: "printed-at-start", scope: "write", hash }]);
}
