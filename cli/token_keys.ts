import type { Authenticator } from "../auth/authenticator.ts";
import { jwtAuthenticator } from "../auth/jwt.ts";
import type { JwtKeys } from "../auth/jwt_options.ts";
import type { KEY_WORDS } from "../config/check.ts";
import type { SecurityValues } from "../config/options.ts";
import type { ConfigFiles } from "../config/source.ts";

/** A word for the keys that tokens are checked with. */
type KeyWord = (typeof KEY_WORDS)[number];

/**
 * Lets in whoever has a token.
 *
 * @param word What kind of key it is.
 * @param key The path or URL of the key.
 * @param failed Told why keys could not be read later on.
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
      // Whether it can be read is told apart from what is in it.
      await files.read(key);
      return { jwksFile: key };
    case "fairway_jwt_jwks_url":
      return { jwksUrl: key };
  }
}
