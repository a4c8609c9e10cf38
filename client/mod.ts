/**
 * An MQTT client for 3.1.1 and 5.0. It reconnects by itself, keeps messages until they are
 * acknowledged, and returns received messages by async iterators.
 *
 * @example Publish and subscribe
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { connect } from "@fairway/mqtt/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * const { port } = await broker.listen({ hostname: "127.0.0.1", port: 0 });
 * await using client = await connect(`mqtt://127.0.0.1:${port}`);
 * const messages = client.subscribe("lamp/+");
 * await messages.ready;
 * await client.publish("lamp/1", "on", { qos: 1 });
 * const { value } = await messages.next();
 * assertEquals([value?.topic, new TextDecoder().decode(value?.payload)], ["lamp/1", "on"]);
 * ```
 *
 * @module
 */
export type { ClientAuthentication } from "./authentication.ts";
export type { ReconnectOptions } from "./backoff.ts";
export type { Client } from "./client.ts";
export { connect } from "./connect.ts";
export type { Dial } from "./dial.ts";
export type { Endpoint } from "./endpoint.ts";
export {
  ClientError,
  type ClientErrorOptions,
  ConnectError,
  DisconnectedError,
  PublishError,
  QueueFullError,
  SubscribeError,
  TimeoutError,
} from "./errors.ts";
export type { CloseOptions } from "./lifecycle.ts";
export { type ClientLimits, DEFAULT_CLIENT_LIMITS } from "./limits.ts";
export type { ClientMessage } from "./message.ts";
export type { ConnectOptions, WillOptions } from "./options.ts";
export type { ClientPublishOptions, PublishReceipt, PublishResult } from "./publish.ts";
export type { RequestOptions } from "./requests.ts";
export { type ClientScramOptions, scramSha256 } from "./scram.ts";
export type { ServerInfo } from "./server_info.ts";
export type { ClientState } from "./state.ts";
export type { ClientSubscribeOptions, ClientSubscription } from "./subscription.ts";
export type { SubscriptionOverflow } from "./subscription_buffer.ts";
export type { TlsSettings } from "./tls_settings.ts";
