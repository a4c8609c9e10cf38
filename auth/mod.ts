/**
 * Authentication and authorization. {@linkcode Authenticator} decides which clients may connect,
 * and {@linkcode Authorizer} decides what they may do. There are implementations by user lists,
 * tokens, SCRAM and HTTP, and for mosquitto's password and ACL files.
 *
 * @example Users with passwords, who may each publish below their own name
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { type Authorizer, staticUsers } from "@fairway/mqtt/auth";
 *
 * const authorizer: Authorizer = {
 *   mayPublish: (client, { topic }) => topic.startsWith(`${client.username}/`),
 *   maySubscribe: () => true,
 * };
 * const authenticator = staticUsers({ ada: "lovelace" });
 * await using broker = new Broker({ authenticator, authorizer });
 * ```
 *
 * @module
 */
export { AclFile } from "./acl_file.ts";
export type {
  AuthenticationExchange,
  AuthenticationStep,
  Authenticator,
  ClientInfo,
  ConnectRequest,
  Decision,
  Grant,
} from "./authenticator.ts";
export type { Authorizer, PublishRequest, SubscribeRequest } from "./authorizer.ts";
export type { ControlTopic } from "./control_topic.ts";
export { anyAuthorizer, everyAuthenticator, everyAuthorizer, firstAuthenticator } from "./chain.ts";
export type { Fetch } from "./fetch_text.ts";
export { FileFaultError, type LineFault } from "./file_errors.ts";
export { HttpHook, type HttpHookStats } from "./http.ts";
export type { HttpHookOptions } from "./http_options.ts";
export { jwtAuthenticator } from "./jwt.ts";
export type { JwtKeys, JwtOptions } from "./jwt_options.ts";
export { PasswordFile, type PasswordLimits } from "./password_file.ts";
export { scramAuthenticator, type ScramOptions, type ScramStore } from "./scram.ts";
export { formatScramLine, ScramFile } from "./scram_file.ts";
export {
  type ScramCredential,
  scramCredential,
  type ScramCredentialOptions,
} from "./scram_keys.ts";
export { allowAnonymous, denyAnonymous, staticUsers } from "./static_users.ts";
