import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import {
  type AckPacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
} from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { BrokerContext } from "../base/context.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import { type EffectivePolicy, ListenerPolicy } from "../base/listener_policy.ts";
import { type BrokerOptions, settingsOf } from "../base/options.ts";
import type {
  ClientConnection,
  ConnectHandler,
  EnhancedAuthentication,
  Granted,
  LastPacket,
  WaitingResponses,
} from "../connection/client_connection.ts";
import { Origin } from "../base/origin.ts";
import type { BrokerCounters, LimitReason } from "../base/stats.ts";
import type { Receiver, Wire } from "../delivery/subscriber.ts";
import { ControlPackets } from "../delivery/control_packets.ts";
import { BufferPool } from "../../log/buffer_pool.ts";

/** What a test may want to be special about a connection. */
export interface TestConnectionOptions {
  version?: ProtocolVersion;
  /** The largest packet that the client takes, in bytes. */
  packetBytesMax?: number;
  broker?: BrokerOptions;
  /** The rules of its listener. */
  rules?: ListenerRules;
  /** What it has as a session; only what a handler uses needs to be there. */
  session?: object | null;
  /** What handlers need of the broker; likewise. */
  host?: object;
}

/**
 * A connection with a client in it and no broker around it: it tells what was sent, and how it was
 * ended. Handlers see it {@linkcode asClient}.
 */
export class TestConnection {
  readonly clock = new VirtualClock();
  readonly context: BrokerContext;
  readonly policy: EffectivePolicy;
  readonly counters: BrokerCounters;
  readonly version: ProtocolVersion;
  readonly wire: Wire;
  readonly clientId = "a";
  readonly origin = Origin.client("a");
  readonly session: object | null;
  readonly isBridge = false;
  readonly wantsReasons = true;
  rosterIndex = -1;
  isOpen = true;
  client: ClientInfo | null = null;
  acks: WaitingResponses | null = null;
  flow: ConnectHandler | null = null;
  auth: EnhancedAuthentication | null = null;
  granted: Granted | null = null;
  lastRoute: Route<Receiver> | null = null;
  aliases: Map<number, Route<Receiver>> | null = null;
  aliasBytes = 0;
  /** How the connection was ended, and what it was blamed for. */
  readonly events: string[] = [];
  readonly outbox = new TestOutbox();
  /** What handlers want of the broker. */
  readonly host: object;

  constructor(options: TestConnectionOptions = {}) {
    const { version = 5, packetBytesMax = 1000, broker = {}, session = {} } = options;
    const { rules = {}, host = {} } = options;
    const settings = settingsOf({ clock: this.clock, heap: null, ...broker });
    this.context = new BrokerContext(settings);
    this.policy = new ListenerPolicy(settings, this.context.stats, rules).effective;
    this.counters = this.context.stats;
    this.version = version;
    this.wire = { v5: version === 5, packetBytesMax, isOwn: false, isNode: false };
    this.session = session;
    this.host = host;
  }

  /** The connection as handlers see it. */
  get asClient(): ClientConnection {
    return this as unknown as ClientConnection;
  }

  /** Who is asked what the client may do, as in a connection. */
  get authorizer(): Authorizer | null {
    return this.granted === null ? this.policy.authorizer : this.granted.authorizer;
  }

  /** The packets that were sent since the last time, those behind the messages last. */
  sent(): Packet[] {
    const reader = new PacketReader({ version: this.version });
    reader.push(this.outbox.takeControl());
    reader.push(this.outbox.takeMessages());
    const packets: Packet[] = [];
    for (let next = reader.read(); next !== null; next = reader.read()) packets.push(next);
    return packets;
  }

  reportLimit(reason: LimitReason): void {
    this.events.push(`limit ${reason}`);
  }

  blame(error: unknown): void {
    this.events.push((error as Error).message);
  }

  disconnect(reasonCode: number, reasonString?: string, last: LastPacket = "disconnect"): void {
    this.events.push(
      [last, reasonCode, reasonString].filter((part) => part !== undefined).join(" "),
    );
    this.isOpen = false;
  }

  onDisconnect(reasonCode: number): void {
    this.events.push(`onDisconnect ${reasonCode}`);
    this.isOpen = false;
  }
}

/** The part of an outbox that takes packets: in front of the messages that wait, and behind them. */
class TestOutbox {
  readonly control = new ControlPackets(new BufferPool());
  buffer = new Uint8Array(0);
  /** How often it was asked to write soon. */
  hurried = 0;
  #committed = 0;

  hurry(): void {
    this.hurried++;
  }

  reserve(bytes: number): number {
    const larger = new Uint8Array(this.#committed + bytes);
    larger.set(this.buffer.subarray(0, this.#committed));
    this.buffer = larger;
    return this.#committed;
  }

  commit(bytes: number): void {
    this.#committed += bytes;
  }

  takeMessages(): Uint8Array {
    const taken = this.buffer.subarray(0, this.#committed);
    this.#committed = 0;
    return taken;
  }

  reserveControl(bytes: number): number {
    return this.control.reserve(bytes);
  }

  takeControl(): Uint8Array {
    const { bytes } = this.control;
    return this.control.take().subarray(0, bytes);
  }
}

/** An acknowledgement in few words: its type, identifier and reason code. */
export function ackText(packet: Packet): string {
  const { type, packetId, reasonCode } = packet as Partial<AckPacket>;
  return `${type} ${packetId} ${reasonCode}`;
}
