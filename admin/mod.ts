/**
 * The operator's view of a broker, over HTTP: health, metrics, and an API.
 *
 * @example A broker that can be looked at by whoever has the token
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { listenAdmin } from "@fairway/mqtt/admin";
 *
 * await using broker = new Broker();
 * await using admin = await listenAdmin(broker, { port: 0 });
 * console.log(`http://127.0.0.1:${admin.port}/metrics`, admin.token);
 * ```
 *
 * @module
 */
export { AdminListener, type AdminOptions, listenAdmin } from "./listen.ts";
export type { ListenerInfo, Operations } from "./api/operations.ts";
export {
  formatTokenLine,
  hashToken,
  newToken,
  type TokenEntry,
  TokenFile,
} from "./access/token_file.ts";
export type { Scope } from "./access/caller.ts";
export { type DynamicSecurityOptions, openDynamicSecurity } from "./dynamic_security.ts";
export { DynamicSecurity, type SecurityStats } from "../auth/dynsec/dynamic_security.ts";
export type { AccountChange, SecurityHost } from "../auth/dynsec/security_host.ts";
export type { Answers, CommandAnswer } from "../auth/dynsec/commands.ts";
export type { ImportedAccounts } from "../auth/dynsec/import.ts";
export type { PaceClock } from "../auth/dynsec/command_pace.ts";
export type { AccountRow, AccountStore } from "../auth/dynsec/rows.ts";
export { PresenceTopics } from "./presence_topics.ts";
export { Telemetry } from "./telemetry.ts";
export { Line } from "./visible.ts";
export type { CertificateInfo } from "./metrics/instruments.ts";
