/**
 * The last closed connections, the last dropped messages, and the last lines about clients.
 *
 * @module
 */
import type { Inspection } from "../../broker/inspection.ts";
import { ClientLines } from "./client_lines.ts";
import { Ring } from "./ring.ts";

/** How many closed connections are kept. */
const CLOSED_MAX = 1000;
/** How many dropped messages are kept. */
const DROPPED_MAX = 1000;
/** Characters of the error of a closed connection. */
const ERROR_MAX = 500;
/** Characters of a line that come from a client or the system. */
const TEXT_MAX = 300;

const VERSIONS: Readonly<Record<number, string>> = { 3: "3.1", 4: "3.1.1", 5: "5.0" };

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
  /** Lines about clients. */
  readonly lines: ClientLines = new ClientLines();
  readonly #stop: () => void;
  #number = 0;

  constructor(inspection: Inspection) {
    const now = () => inspection.timeOf(inspection.clock.now());
    this.#stop = inspection.observe({
      connected: ({ clientId, address, protocolVersion, username }) => {
        const who = username === null ? "" : ` as ${username.slice(0, TEXT_MAX)}`;
        const text = `Connected from ${address}${who}, MQTT ${VERSIONS[protocolVersion]}`;
        this.lines.add(now(), clientId, text, username?.length);
      },
      disconnected: ({ clientId, username, address, listener = "" }, { by, reasonCode, error }) => {
        const why = error instanceof Error ? error.message.slice(0, ERROR_MAX) : null;
        const number = ++this.#number;
        const time = now();
        const who = { clientId, username, address, listener };
        const characters = clientId.length + (username?.length ?? 0) + (why?.length ?? 0);
        this.closed.add({ number, time, ...who, by, reasonCode, error: why }, characters);
        const end = why === null ? "" : `: ${why.slice(0, TEXT_MAX)}`;
        const text = `Connection ended by the ${by}, reason 0x${hex(reasonCode)}${end}`;
        this.lines.add(time, clientId, text);
      },
      refused: (address, clientId, reasonCode) => {
        if (clientId === null) return;
        this.lines.add(now(), clientId, `Refused with 0x${hex(reasonCode)} at ${address}`);
      },
      limited: ({ reason, clientId }) => {
        if (clientId !== null) this.lines.add(now(), clientId, `Reached the limit "${reason}"`);
      },
      dropped: ({ reason, topic, clientId }) => {
        const characters = (topic?.length ?? 0) + (clientId?.length ?? 0);
        const number = ++this.#number;
        const time = now();
        this.dropped.add({ number, time, reason, topic, clientId }, characters);
        if (clientId !== null) this.lines.add(time, clientId, `Message dropped: ${reason}`);
      },
    });
  }

  /** Stops recording. */
  stop(): void {
    this.#stop();
  }
}

function hex(code: number): string {
  return code.toString(16).padStart(2, "0");
}
