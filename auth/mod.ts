/**
 * Who may come in, and what they may do: two small interfaces for the
 * programmer to fill in.
 *
 * @module
 */
export * from "./authenticator.ts";
export * from "./authorizer.ts";
export * from "./chain.ts";
export * from "./static_users.ts";
export * from "./scram.ts";
export * from "./scram_file.ts";
export {
  type ScramCredential,
  scramCredential,
  type ScramCredentialOptions,
} from "./scram_keys.ts";
