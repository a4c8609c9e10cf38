/** Makes a connection of each accepted transport, within the limits. */
import {
  answerVersionOf,
  FixedHeader,
  PacketType,
  type ProtocolVersion,
  ReasonCode,
} from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import { Connection } from "../connection/connection.ts";
import type { BrokerContext } from "../base/context.ts";
import type { ConnectionHost } from "../connection/client_connection.ts";
import { ListenerPolicy } from "../base/listener_policy.ts";
import { busyConnack } from "../connection/reason_packets.ts";
import { Deadline } from "../base/scheduler.ts";

/**
 * The maximum number of connections beyond the limit that receive a busy response at the same time.
 */
const REFUSALS_MAX = 32;
/** The time that such a client has to send its protocol version, in milliseconds. */
const REFUSAL_MS = 1000;
/** The bytes of a CONNECT that are needed for its protocol version. */
const REFUSAL_BYTES = 16;

/**
 * Accepts connections up to the limit. Beyond it, a few at a time receive a busy response. Beyond
 * those, nothing is accepted until a connection ends: the process must never run out of file
 * descriptors.
 */
export class Acceptor {
  readonly #host: ConnectionHost;
  readonly #context: BrokerContext;
  /** The policy of connections that have none. */
  readonly #strict: ListenerPolicy;
  readonly #lenient: ListenerPolicy;
  readonly #refusals = new Set<Refusal>();
  #free: Receipt | null = null;

  constructor(host: ConnectionHost) {
    const { context } = host;
    this.#host = host;
    this.#context = context;
    this.#strict = new ListenerPolicy(context.settings, context.stats);
    this.#lenient = new ListenerPolicy(context.settings, context.stats, { lenient: true });
  }

  /** How many handshakes before MQTT may be in progress. */
  get pendingMax(): number {
    return this.#host.limiters.addresses.pendingMax;
  }

  /** A promise to wait for before the next accept, or `null`. */
  mayAccept(): PromiseLike<void> | null {
    if (this.#context.isClosing) return null;
    if (this.#refusals.size < REFUSALS_MAX) return this.#host.limiters.addresses.wait();
    return this.#free ??= new Receipt();
  }

  /**
   * Whether a connection from an address is allowed. A listener with a costly handshake, such as
   * TLS, calls it before the handshake, and sets `PeerInfo.isAdmitted`.
   */
  mayConnect(address: string): boolean {
    return !this.#context.isClosing && this.#host.limiters.addresses.mayConnect(address);
  }

  /** Takes over a connection. */
  accept(
    transport: Transport,
    peer: PeerInfo,
    policy: ListenerPolicy = peer.lenient ? this.#lenient : this.#strict,
  ): void {
    const host = this.#host;
    const { addresses, eventLoop } = host.limiters;
    if (this.#context.isClosing || !(peer.isAdmitted || addresses.mayConnect(peer.address))) {
      return transport.close();
    }
    eventLoop.start();
    if (eventLoop.isBusy) return this.#turnAway(transport, "busy", peer);
    const lease = addresses.acquire(peer.address, policy);
    if (lease === "connections") return this.#turnAway(transport, lease, peer);
    if (lease === "address") return transport.close();
    const connection = new Connection(host, transport, peer, policy);
    connection.lease = lease;
    connection.run();
  }

  /** Wakes all waiting listeners, and closes the connections that are being refused. */
  close(): void {
    for (const refusal of this.#refusals) refusal.close();
    this.#host.limiters.addresses.close();
    this.#wake();
  }

  #turnAway(transport: Transport, reason: "busy" | "connections", peer: PeerInfo): void {
    const context = this.#context;
    context.stats.connectionsRefused++;
    context.reportLimit(reason, peer.address, null);
    if (this.#refusals.size >= REFUSALS_MAX) return transport.close();
    const code = reason === "busy" ? ReasonCode.ServerBusy : ReasonCode.QuotaExceeded;
    this.#refuse(transport, code);
  }

  async #refuse(transport: Transport, reasonCode: number): Promise<void> {
    const { scheduler, clock } = this.#context;
    const refusal = new Refusal(transport);
    this.#refusals.add(refusal);
    const deadline = new Deadline(() => refusal.close());
    scheduler.set(deadline, clock.now() + REFUSAL_MS);
    try {
      const version = await readVersion(transport);
      if (version !== null) {
        await writeAll(transport, busyConnack(version, reasonCode));
        await hearOut(transport);
      }
    } catch {
      // The peer has disconnected, or took too long.
    } finally {
      scheduler.clear(deadline);
      refusal.close();
      this.#refusals.delete(refusal);
      this.#wake();
    }
  }

  #wake(): void {
    this.#free?.close();
    this.#free = null;
  }
}

/** A connection that only receives a busy response. */
class Refusal {
  #isClosed = false;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
  }
}

/** Reads the protocol version of a CONNECT; `null` if it is not one. */
async function readVersion(transport: Transport): Promise<ProtocolVersion | null> {
  const bytes = new Uint8Array(REFUSAL_BYTES);
  const header = new FixedHeader();
  for (let filled = 0; filled < bytes.length;) {
    const count = await transport.read(bytes.subarray(filled));
    if (count === null) return null;
    filled += count;
    if (!header.read(bytes, 0, filled)) continue;
    if (header.first >> 4 !== PacketType.connect) return null;
    // The protocol level follows the protocol name, "MQTT" or "MQIsdp".
    const at = header.bodyStart + 2 + (bytes[header.bodyStart + 1] ?? 0);
    if (filled <= at) continue;
    return answerVersionOf(bytes[at]!);
  }
  return null;
}

/** A transport may write fewer bytes than requested. */
async function writeAll(transport: Transport, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await transport.write(bytes.subarray(at));
}

/**
 * Reads the remaining bytes. Closing with unread bytes would reset the connection, and the peer
 * might not receive the response.
 */
async function hearOut(transport: Transport): Promise<void> {
  await transport.closeWrite?.();
  const bytes = new Uint8Array(1024);
  while (await transport.read(bytes) !== null);
}
