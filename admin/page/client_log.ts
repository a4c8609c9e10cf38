/**
 * The last lines about clients: who came and went, what was refused and dropped. It is kept while
 * the admin listener is open.
 *
 * @module
 */
import type { Inspection } from "../../broker/inspection.ts";
import { Ring } from "../api/ring.ts";

/** How many lines are kept, for all clients together. */
const LINES_MAX = 2000;
/** Characters of a line that come from a client or the system. */
const TEXT_MAX = 300;

/** A line about a client. */
export interface ClientLine {
  /** A number that grows with each. */
  readonly number: number;
  readonly clientId: string;
  readonly text: string;
  /** When it happened, or last, in ISO 8601. */
  time: string;
  /** How often it has happened in a row. */
  times: number;
}

/** The last lines about clients. */
export class ClientLog {
  readonly lines: Ring<ClientLine> = new Ring<ClientLine>(LINES_MAX);
  readonly #inspection: Inspection;
  readonly #stop: () => void;
  #last: ClientLine | null = null;
  #number = 0;

  constructor(inspection: Inspection) {
    this.#inspection = inspection;
    const add = (clientId: string | null, text: string, beside = 0) => {
      if (clientId !== null) this.#add(clientId, text, beside);
    };
    this.#stop = inspection.observe({
      connected: ({ clientId, address, protocolVersion, username }) => {
        const who = username === null ? "" : ` as ${username.slice(0, TEXT_MAX)}`;
        const text = `Connected from ${address}${who}, MQTT ${VERSIONS[protocolVersion]}`;
        // The beginning of a text may keep all of it.
        add(clientId, text, username?.length);
      },
      disconnected: ({ clientId }, { by, reasonCode, error }) => {
        const why = error instanceof Error ? `: ${error.message.slice(0, TEXT_MAX)}` : "";
        add(clientId, `Connection ended by the ${by}, reason 0x${hex(reasonCode)}${why}`);
      },
      refused: (address, clientId, reasonCode) => {
        add(clientId, `Refused with 0x${hex(reasonCode)} at ${address}`);
      },
      limited: ({ reason, clientId }) => add(clientId, `Reached the limit "${reason}"`),
      dropped: ({ reason, clientId }) => add(clientId, `Message dropped: ${reason}`),
    });
  }

  /** Keeps nothing more. */
  stop(): void {
    this.#stop();
  }

  #add(clientId: string, text: string, beside: number): void {
    const { clock } = this.#inspection;
    const time = this.#inspection.timeOf(clock.now());
    const last = this.#last;
    if (last !== null && last.clientId === clientId && last.text === text) {
      last.time = time;
      last.times++;
      return;
    }
    this.#last = { number: ++this.#number, clientId, text, time, times: 1 };
    this.lines.add(this.#last, clientId.length + text.length + beside);
  }
}

const VERSIONS: Readonly<Record<number, string>> = { 3: "3.1", 4: "3.1.1", 5: "5.0" };

function hex(code: number): string {
  return code.toString(16).padStart(2, "0");
}
