/** The handshakes before MQTT that are in progress, with their limit and timeout. */
import type { Opening } from "../../transport/opening.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";

/**
 * Accepted connections that have a PROXY header to read, or a TLS or WebSocket handshake, before
 * MQTT begins. Beyond the limit the oldest is closed: an honest client finishes soon, so an
 * attacker mostly displaces its own connections.
 */
export class PendingHandshakes {
  readonly #context: BrokerContext;
  readonly #room: { readonly pendingMax: number };
  readonly #all = new Set<PendingHandshake>();

  /** @param room Says how many the limit of connections leaves room for. */
  constructor(context: BrokerContext, room: { readonly pendingMax: number }) {
    this.#context = context;
    this.#room = room;
  }

  /** Does the handshakes in order, and passes the connection on. On an error it is closed. */
  async open(
    pipe: Transport,
    peer: PeerInfo,
    openings: readonly Opening[],
    enter: (transport: Transport, peer: PeerInfo) => void,
  ): Promise<void> {
    const { scheduler, clock, limits, stats } = this.#context;
    this.#makeRoom();
    const handshake = new PendingHandshake(pipe, peer);
    this.#all.add(handshake);
    stats.pendingHandshakes++;
    const { handshakeTimeoutMs } = limits;
    const deadline = new Deadline(() => {
      handshake.close(new Error(`Handshake is not over after ${handshakeTimeoutMs} ms`));
    });
    scheduler.set(deadline, clock.now() + handshakeTimeoutMs);
    try {
      await handshake.open(openings);
    } catch (error) {
      handshake.close(error);
    } finally {
      scheduler.clear(deadline);
      this.#all.delete(handshake);
      stats.pendingHandshakes--;
    }
    if (!handshake.isClosed) return enter(handshake.transport, handshake.peer);
    stats.handshakesFailed++;
    const { hooks } = this.#context;
    this.#context.guard(() => hooks.handshakeFailed?.(handshake.peer.address, handshake.error));
  }

  /** Closes all of them. */
  close(): void {
    for (const handshake of this.#all) handshake.close(new Error("The broker is closing"));
  }

  #makeRoom(): void {
    const { limits } = this.#context;
    const max = Math.min(limits.pendingHandshakesMax, this.#room.pendingMax);
    for (const oldest of this.#all) {
      if (this.#all.size < Math.max(1, max)) return;
      this.#all.delete(oldest);
      oldest.close(new Error("Too many handshakes at once"));
    }
  }
}

class PendingHandshake {
  /** The transport after the completed handshakes. */
  transport: Transport;
  peer: PeerInfo;
  /** The reason why it was closed. */
  error: unknown = null;
  isClosed = false;

  constructor(pipe: Transport, peer: PeerInfo) {
    this.transport = pipe;
    this.peer = peer;
  }

  async open(openings: readonly Opening[]): Promise<void> {
    for (const opening of openings) {
      const { transport, peer } = await opening(this.transport, this.peer);
      if (this.isClosed) return;
      this.transport = transport;
      this.peer = peer;
    }
  }

  close(error: unknown): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.error = error;
    this.transport.close();
  }
}
