import {
  type AckPacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
} from "../../codec/mod.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { BrokerContext } from "../base/context.ts";
import { type EffectivePolicy, ListenerPolicy } from "../base/listener_policy.ts";
import { type BrokerOptions, settingsOf } from "../base/options.ts";
import type {
  ClientConnection,
  ConnectHandler,
  LastPacket,
  WaitingResponses,
} from "../connection/client_connection.ts";
import { Origin } from "../base/origin.ts";

/** What a test may want to be special about a connection. */
export interface TestConnectionOptions {
  version?: ProtocolVersion;
  /** The largest packet that the client takes, in bytes. */
  packetBytesMax?: number;
  broker?: BrokerOptions;
  /** What it has as a session; only what a handler uses needs to be there. */
  session?: object;
}

/**
 * A connection with a client in it and no broker around it: it tells what was sent, and how it was
 * ended. Handlers see it {@linkcode asClient}.
 */
export class TestConnection {
  readonly clock = new VirtualClock();
  readonly context: BrokerContext;
  readonly policy: EffectivePolicy;
  readonly version: ProtocolVersion;
  readonly wire: { v5: boolean; packetBytesMax: number; isOwn: boolean };
  readonly clientId = "a";
  readonly origin = Origin.client("a");
  readonly session: object;
  isOpen = true;
  acks: WaitingResponses | null = null;
  flow: ConnectHandler | null = null;
  /** How the connection was ended, and what it was blamed for. */
  readonly events: string[] = [];
  readonly outbox = new TestOutbox();
  /** What handlers want of the broker. */
  readonly host: Record<string, unknown> = {};

  constructor(options: TestConnectionOptions = {}) {
    const { version = 5, packetBytesMax = 1000, broker = {}, session = {} } = options;
    const settings = settingsOf({ clock: this.clock, heap: null, ...broker });
    this.context = new BrokerContext(settings);
    this.policy = new ListenerPolicy(settings, this.context.stats, {}).effective;
    this.version = version;
    this.wire = { v5: version === 5, packetBytesMax, isOwn: false };
    this.session = session;
  }

  /** The connection as handlers see it. */
  get asClient(): ClientConnection {
    return this as unknown as ClientConnection;
  }

  /** The packets that were sent since the last time. */
  sent(): Packet[] {
    const reader = new PacketReader({ version: this.version });
    reader.push(this.outbox.takeControl());
    const packets: Packet[] = [];
    for (let next = reader.read(); next !== null; next = reader.read()) packets.push(next);
    return packets;
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

/** The part of an outbox that takes control packets. */
class TestOutbox {
  controlBuffer = new Uint8Array(0);

  reserveControl(bytes: number): number {
    const offset = this.controlBuffer.length;
    const larger = new Uint8Array(offset + bytes);
    larger.set(this.controlBuffer);
    this.controlBuffer = larger;
    return offset;
  }

  takeControl(): Uint8Array {
    const taken = this.controlBuffer;
    this.controlBuffer = new Uint8Array(0);
    return taken;
  }
}

/** An acknowledgement in few words: its type, identifier and reason code. */
export function ackText(packet: Packet): string {
  const { type, packetId, reasonCode } = packet as Partial<AckPacket>;
  return `${type} ${packetId} ${reasonCode}`;
}
