/** The interface of the broker that bridges need. */
import type { ListenerPolicy } from "../broker/base/listener_policy.ts";
import type { ListenerRules } from "../broker/base/listener_options.ts";
import type { PublishOptions } from "../broker/delivery/local_publisher.ts";
import type { Endpoint } from "../client/endpoint.ts";
import type { Message } from "../broker/base/message.ts";
import type { Properties } from "../codec/mod.ts";
import type { Clock } from "../transport/clock.ts";
import type { PeerInfo, Transport } from "../transport/transport.ts";
import type { BridgeSettings } from "./options.ts";

/** What bridges see of the session that a bridge has at its own broker. */
export interface LocalSession {
  /** How many messages wait, and their bytes. */
  readonly waiting: { readonly messages: number; readonly bytes: number };
  /** How many messages were sent and not acknowledged. */
  readonly inflight: number;
  /** The subscriptions. */
  subscriptions(): Iterable<{ readonly filter: string; readonly qos: number }>;
}

/** What bridges need of a broker; a `Broker` has it. */
export interface BridgeHost {
  readonly clock: Clock;
  readonly limits: { readonly packetBytesMax: number; readonly inflightMax: number };
  readonly inspection: {
    session(clientId: string): LocalSession | null;
    endSession(clientId: string): void;
    retainedMessage(topic: string): Message | undefined;
    propertiesOf(message: Message): Properties;
    watchRetained(watcher: (topic: string) => void): () => void;
    timeOf(clockMs: number): string;
  };
  accept(transport: Transport, peer: PeerInfo, policy: ListenerPolicy): void;
  listenerPolicy(rules: ListenerRules): ListenerPolicy;
  publish(topic: string, payload: string, options: PublishOptions): Promise<void>;
}

/** What bridges need of their surroundings. */
export interface BridgeSurroundings {
  /** Random numbers from 0 to below 1. */
  readonly random: () => number;
  /** The host name, for client identifiers. */
  readonly hostname: () => string;
  /** Opens a byte pipe to another broker. */
  readonly dial: (
    endpoint: Endpoint,
    settings: BridgeSettings,
    signal: AbortSignal,
  ) => Promise<Transport>;
  /** Told what an operator should know, in one line. */
  readonly log: (type: "notice" | "warning", text: string) => void;
}
