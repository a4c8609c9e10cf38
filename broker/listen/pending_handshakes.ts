import type { Opening } from "../../transport/opening.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";

/** Arrivals beyond the connections there may be: each takes a file descriptor, too. */
const SPARE = 32;

/**
 * Connections that were accepted and have a PROXY header to read or a handshake
 * of TLS or WebSocket to do before they can speak MQTT. Past the limit the
 * oldest gives way: who means well is done soon, and who wants to take up all
 * the room only keeps out others of his kind.
 */
export class PendingHandshakes {
  readonly #context: BrokerContext;
  readonly #connections: { readonly size: number };
  readonly #all = new Set<PendingHandshake>();

  /** @param connections Those that speak MQTT already. */
  constructor(context: BrokerContext, connections: { readonly size: number }) {
    this.#context = context;
    this.#connections = connections;
  }

  /**
   * Does what has to be done first, one after the other, and hands the
   * connection over. If something fails, it is closed.
   */
  async open(
    pipe: Transport,
    peer: PeerInfo,
    openings: readonly Opening[],
    enter: (transport: Transport, peer: PeerInfo) => void,
  ): Promise<void> {
    const { scheduler, clock, limits, stats } = this.#context;
    this.#makeRoom();
    const arrival = new PendingHandshake(pipe, peer);
    this.#all.add(arrival);
    stats.arrivals++;
    const { arrivalTimeoutMs } = limits;
    const deadline = new Deadline(() => {
      arrival.close(new Error(`Handshake is not over after ${arrivalTimeoutMs} ms`));
    });
    scheduler.set(deadline, clock.now() + arrivalTimeoutMs);
    try {
      await arrival.open(openings);
    } catch (error) {
      arrival.close(error);
    } finally {
      scheduler.clear(deadline);
      this.#all.delete(arrival);
      stats.arrivals--;
    }
    if (!arrival.isClosed) return enter(arrival.transport, arrival.peer);
    stats.arrivalsFailed++;
    const { hooks } = this.#context;
    this.#context.guard(() => hooks.arrivalFailed?.(arrival.peer.address, arrival.error));
  }

  /** Closes all of them. */
  close(): void {
    for (const arrival of this.#all) arrival.close(new Error("The broker is closing"));
  }

  #makeRoom(): void {
    const { limits } = this.#context;
    const max = Math.min(
      limits.arrivalsMax,
      limits.connectionsMax + SPARE - this.#connections.size,
    );
    for (const oldest of this.#all) {
      if (this.#all.size < Math.max(1, max)) return;
      this.#all.delete(oldest);
      oldest.close(new Error("Too many handshakes at once"));
    }
  }
}

class PendingHandshake {
  /** The pipe, as far as it was opened. */
  transport: Transport;
  peer: PeerInfo;
  /** Why it was closed. */
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
