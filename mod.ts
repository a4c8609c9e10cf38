/**
 * Fairway: an MQTT broker for Deno, 3.1, 3.1.1 and 5.0, to be run on its own or
 * inside a program.
 *
 * @example A broker on a port of its own
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 *
 * const broker = new Broker();
 * const listener = await broker.listen({ hostname: "127.0.0.1", port: 0 });
 * console.log(`mqtt://127.0.0.1:${listener.port}`);
 * await broker.publish("lamp/1", "on", { qos: 1, retain: true });
 * await broker.close();
 * ```
 *
 * @module
 */
export { SysTopics, type SysTopicsOptions } from "./admin/sys_topics.ts";
export {
  Broker,
  type PublishOptions,
  QuotaExceededError,
  type SubscribeOptions,
} from "./broker/broker.ts";
export type { Clock } from "./broker/base/clock.ts";
export type {
  BrokerHooks,
  DisconnectInfo,
  DropInfo,
  LimitInfo,
  LoginFailure,
  PublishInfo,
} from "./broker/base/hooks.ts";
export { type BrokerLimits, DEFAULT_LIMITS, type OverflowPolicy } from "./broker/base/limits.ts";
export type { ListenerPolicy } from "./broker/base/listener_policy.ts";
export type { ListenerRules } from "./broker/base/listener_options.ts";
export type {
  ListenerOptions,
  ListenOptions,
  TlsListenOptions,
  UnixListenOptions,
  WebSocketListenOptions,
} from "./broker/listen/listeners.ts";
export type { LocalSubscription, ReceivedMessage } from "./broker/delivery/local_subscription.ts";
export type { BrokerOptions } from "./broker/base/options.ts";
export type { BrokerStats, DropReason, LimitReason, ToleratedFault } from "./broker/base/stats.ts";
export type { HeapSource, HeapState } from "./broker/base/heap_monitor.ts";
export type { MemoryUse } from "./broker/limits/memory_budget.ts";
export type {
  AuthenticationExchange,
  AuthenticationStep,
  Authenticator,
  ClientInfo,
  ConnectRequest,
  Decision,
  Grant,
} from "./auth/authenticator.ts";
export { AclFile } from "./auth/acl_file.ts";
export { PasswordFile, type PasswordLimits } from "./auth/password_file.ts";
export { FileFaultError, type LineFault } from "./auth/file_errors.ts";
export type { Authorizer, PublishRequest, SubscribeRequest } from "./auth/authorizer.ts";
export {
  anyAuthorizer,
  everyAuthenticator,
  everyAuthorizer,
  firstAuthenticator,
} from "./auth/chain.ts";
export type { Fetch } from "./auth/fetch_text.ts";
export { HttpHook, type HttpHookStats } from "./auth/http.ts";
export type { HttpHookOptions } from "./auth/http_options.ts";
export { jwtAuthenticator } from "./auth/jwt.ts";
export type { JwtKeys, JwtOptions } from "./auth/jwt_options.ts";
export { scramAuthenticator, type ScramOptions, type ScramStore } from "./auth/scram.ts";
export { formatScramLine, ScramFile } from "./auth/scram_file.ts";
export {
  type ScramCredential,
  scramCredential,
  type ScramCredentialOptions,
} from "./auth/scram_keys.ts";
export { allowAnonymous, denyAnonymous, staticUsers } from "./auth/static_users.ts";
export { connect } from "./client/connect.ts";
export type { Client } from "./client/client.ts";
export type { ClientAuthentication } from "./client/authentication.ts";
export type { ReconnectOptions } from "./client/backoff.ts";
export type { Dial, TlsSettings } from "./client/dial.ts";
export type { Endpoint } from "./client/endpoint.ts";
export {
  ClientError,
  type ClientErrorOptions,
  ConnectError,
  DisconnectedError,
  PublishError,
  QueueFullError,
  SubscribeError,
  TimeoutError,
} from "./client/errors.ts";
export type { CloseOptions } from "./client/lifecycle.ts";
export { type ClientLimits, DEFAULT_CLIENT_LIMITS } from "./client/limits.ts";
export type { ClientMessage } from "./client/message.ts";
export type { ConnectOptions, WillOptions } from "./client/options.ts";
export type { ClientPublishOptions, PublishReceipt, PublishResult } from "./client/publish.ts";
export type { RequestOptions } from "./client/requests.ts";
export { type ClientScramOptions, scramSha256 } from "./client/scram.ts";
export type { ServerInfo } from "./client/server_info.ts";
export type { ClientState } from "./client/state.ts";
export type { ClientSubscribeOptions, ClientSubscription } from "./client/subscription.ts";
export type { SubscriptionOverflow } from "./client/subscription_buffer.ts";
export { Receipt } from "./log/receipt.ts";
export {
  Batch,
  type Change,
  type Damage,
  MemoryStore,
  type MemoryStoreOptions,
  type Row,
  type ScanLimit,
  SqliteStore,
  type SqliteStoreOptions,
  type Store,
  StoreDamagedError,
  StoreError,
  StoreFullError,
  StoreGoneError,
  StoreLockedError,
  type StoreSize,
  type StoreSnapshot,
  StoreVersionError,
  type Table,
  TABLES,
} from "./store/mod.ts";
export type { TcpListener, TcpOptions } from "./transport/tcp.ts";
export type { ProxyOptions } from "./transport/proxy_protocol.ts";
export type { TlsListener } from "./transport/tls.ts";
export type { TlsIdentity, TlsServerOptions } from "./transport/tls_options.ts";
export type { PeerCertificate, PeerInfo, Transport } from "./transport/transport.ts";
export type { UnixListener, UnixOptions } from "./transport/unix.ts";
export type { WebSocketOptions } from "./transport/websocket_handshake.ts";
export type { Properties, ProtocolVersion, QoS, UserProperty } from "./codec/mod.ts";
export { ReasonCode } from "./codec/mod.ts";
