/** The interface of the broker that bridges need. */
import type { ListenerPolicy } from "../broker/base/listener_policy.ts";
import type { ListenerRules } from "../broker/base/listener_options.ts";
import type { PublishOptions } from "../broker/delivery/local_publisher.ts";
import type { Endpoint } from "../client/endpoint.ts";
import type { Properties, QoS } from "../codec/mod.ts";
import type { Clock } from "../transport/clock.ts";
import type { PeerInfo, Transport } from "../transport/transport.ts";
import type { BridgeSettings } from "./options.ts";
import type { SessionsHost } from "./removed_bridges.ts";

/** What bridges see of the session that a bridge has at its own broker. */
export interface LocalSession {
  /** How many messages wait, and their bytes. */
  readonly waiting: { readonly messages: number; readonly bytes: number };
  /** How many messages were sent and not acknowledged. */
  readonly inflight: number;
  /** The subscriptions. */
  subscriptions(): Iterable<{ readonly filter: string; readonly qos: number }>;
}

/** A retained message, copied. */
export interface RetainedCopy {
  /** The QoS with which it was published. */
  readonly qos: QoS;
  /** The payload. */
  readonly payload: Uint8Array;
  /** Its properties, with what is left of its Message Expiry Interval. */
  readonly properties: Properties;
}

/** What bridges look at and end in a broker. */
export interface BridgeInspection extends SessionsHost {
  /** The session of a client. */
  session(clientId: string): LocalSession | null;
  /** The retained message of a topic, copied; `null` if there is none. */
  retainedCopy(topic: string): RetainedCopy | null;
  /** Has a function called with each topic whose retained message changes; returns what ends it. */
  watchRetained(watcher: (topic: string) => void): () => void;
  /** The time of the wall clock that a time of the broker's clock stands for, as ISO 8601. */
  timeOf(clockMs: number): string;
}

/** What bridges need of a broker; a `Broker` has it. */
export interface BridgeHost {
  /** The clock of the broker. */
  readonly clock: Clock;
  /** Limits of the broker. */
  readonly limits: {
    /** Bytes of a packet. */
    readonly packetBytesMax: number;
  };
  /** What bridges look at and end. */
  readonly inspection: BridgeInspection;
  /** Takes over a connection. */
  accept(transport: Transport, peer: PeerInfo, policy: ListenerPolicy): void;
  /** Creates the rules of a connection. */
  listenerPolicy(rules: ListenerRules): ListenerPolicy;
  /** Publishes a message. */
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
