/**
 * The last closed connections, and the last dropped messages.
 *
 * @module
 */
import type { Inspection } from "../../broker/inspection.ts";
import { Ring } from "./ring.ts";

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
        const characters = clientId.length + (username?.length ?? 0) + (text?.length ?? 0);
        this.closed.add({ number, time: now(), ...who, by, reasonCode, error: text }, characters);
      },
      dropped: ({ reason, topic, clientId }) => {
        const characters = (topic?.length ?? 0) + (clientId?.length ?? 0);
        const number = ++this.#number;
        this.dropped.add({ number, time: now(), reason, topic, clientId }, characters);
      },
    });
  }

  /** Stops recording. */
  stop(): void {
    this.#stop();
  }
}
