/** The authenticator for tokens that a configuration asks for. */
import type { Authenticator } from "../auth/authenticator.ts";
import { jwtAuthenticator } from "../auth/jwt.ts";
import type { JwtKeys } from "../auth/jwt_options.ts";
import type { KEY_WORDS } from "../config/parser/check.ts";
import type { SecurityValues } from "../config/options/options.ts";
import type { ConfigFiles } from "../config/parser/source.ts";

/** An option for the keys that tokens are verified with. */
type KeyWord = (typeof KEY_WORDS)[number];

/**
 * Creates the authenticator for tokens.
 *
 * @param word The kind of key.
 * @param key The path or URL of the key.
 * @param failed Called when keys cannot be read later.
 * @throws If the key cannot be read or used.
 */
export async function openTokens(
  word: KeyWord,
  key: string,
  security: SecurityValues,
  files: ConfigFiles,
  failed: (error: Error) => void,
): Promise<Authenticator> {
  const {
    fairway_jwt_issuer: issuer,
    fairway_jwt_audience: audience,
    fairway_jwt_username_claim: usernameClaim,
    fairway_jwt_acl_claim: aclClaim,
    fairway_jwt_token_in: tokenIn,
  } = security;
  return await jwtAuthenticator({
    ...await keysOf(word, key, files),
    ...issuer.length === 0 ? {} : { issuer },
    ...audience.length === 0 ? {} : { audience },
    ...usernameClaim === null ? {} : { usernameClaim },
    aclClaim,
    tokenIn,
    failed,
  });
}

async function keysOf(word: KeyWord, key: string, files: ConfigFiles): Promise<JwtKeys> {
  switch (word) {
    case "fairway_jwt_secret_file":
      return { secret: (await files.read(key)).trimEnd() };
    case "fairway_jwt_key_file":
      return { pem: await files.read(key) };
    case "fairway_jwt_jwks_file":
      // Read it first, to distinguish an unreadable file from invalid contents.
      await files.read(key);
      return { jwksFile: key };
    case "fairway_jwt_jwks_url":
      return { jwksUrl: key };
  }
}
