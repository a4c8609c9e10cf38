/**
 * Fairway: an MQTT broker for Deno. It supports MQTT 3.1, 3.1.1 and 5.0, and runs alone or inside a
 * program. This entry has what a first program needs. Everything else is in an entry by subject:
 * `@fairway/mqtt/client`, `/auth`, `/store`, `/transport`, `/codec`, `/log` and `/stream`.
 *
 * @example A broker on a free port
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
export { Broker } from "./broker/broker.ts";
export type { StreamOptions } from "./broker/stream/stream_options.ts";
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
} from "./broker/listen/listen_options.ts";
export { type PublishOptions, QuotaExceededError } from "./broker/delivery/local_publisher.ts";
export type {
  LocalSubscription,
  ReceivedMessage,
  SubscribeOptions,
} from "./broker/delivery/local_subscription.ts";
export type { BrokerOptions } from "./broker/base/options.ts";
export { type Deliver, DeliverError } from "./broker/base/deliver.ts";
export type { PublishedMessage, Transform } from "./broker/base/transform.ts";
export type { BrokerStats, MemoryStats } from "./broker/broker_stats.ts";
export type {
  BrokerCounters,
  DropReason,
  LimitReason,
  ToleratedFault,
} from "./broker/base/stats.ts";
export type { HeapSource, HeapState } from "./broker/base/heap_monitor.ts";
export type { MemoryUse } from "./broker/limits/memory_budget.ts";
export { connect } from "./client/connect.ts";
