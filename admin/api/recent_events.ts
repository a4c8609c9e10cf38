/**
 * The last closed connections, and the last dropped messages.
 *
 * @module
 */
import type { Inspection } from "../../broker/inspection.ts";

/** How many closed connections are kept. */
const CLOSED_MAX = 1000;
/** How many dropped messages are kept. */
const DROPPED_MAX = 1000;

/** A connection that was closed. */
export interface ClosedConnection {
  /** A number that grows with each. */
  readonly number: number;
  readonly time: string;
  readonly clientId: string;
  readonly username: string | null;
  readonly address: string;
  readonly listener: string;
  readonly by: "client" | "broker" | "network";
  readonly reasonCode: number;
  /** The error; `null` for none. */
  readonly error: string | null;
}

/** A message that was dropped; `topic` is `null` where many were dropped at once. */
export interface DroppedMessage {
  readonly number: number;
  readonly time: string;
  readonly reason: string;
  readonly topic: string | null;
  readonly clientId: string | null;
}

/** Records events while the admin listener is open. */
export class RecentEvents {
  readonly closed: Ring<ClosedConnection> = new Ring<ClosedConnection>(CLOSED_MAX);
  readonly dropped: Ring<DroppedMessage> = new Ring<DroppedMessage>(DROPPED_MAX);
  readonly #stop: () => void;
  #number = 0;

  constructor(inspection: Inspection) {
    const now = () => inspection.timeOf(inspection.clock.now());
    this.#stop = inspection.observe({
      disconnected: ({ clientId, username, address, listener = "" }, { by, reasonCode, error }) => {
        const text = error instanceof Error ? error.message.slice(0, 500) : null;
        const number = ++this.#number;
        const who = { clientId, username, address, listener };
        this.closed.add({ number, time: now(), ...who, by, reasonCode, error: text });
      },
      dropped: ({ reason, topic, clientId }) => {
        this.dropped.add({ number: ++this.#number, time: now(), reason, topic, clientId });
      },
    });
  }

  /** Stops recording. */
  stop(): void {
    this.#stop();
  }
}

/** The last added items, up to a number. */
export class Ring<T> {
  readonly #max: number;
  readonly #items: T[] = [];
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#max;
  }

  /** In no order. */
  get items(): readonly T[] {
    return this.#items;
  }
}
