/**
 * Who may come in, and what they may do: two small interfaces for the
 * programmer to fill in, and files in the form of mosquitto's.
 *
 * @module
 */
export { AclFile } from "./acl_file.ts";
export * from "./authenticator.ts";
export * from "./authorizer.ts";
export * from "./chain.ts";
export { FileFaultError, type LineFault } from "./file_errors.ts";
export { PasswordFile, type PasswordLimits } from "./password_file.ts";
export * from "./static_users.ts";
export * from "./scram.ts";
export * from "./scram_file.ts";
export {
  type ScramCredential,
  scramCredential,
  type ScramCredentialOptions,
} from "./scram_keys.ts";
export type { Fetch } from "./fetch_text.ts";
export * from "./http.ts";
export type { HttpHookOptions } from "./http_options.ts";
export * from "./jwt.ts";
export type { JwtKeys, JwtOptions } from "./jwt_options.ts";
