/** The last lines about clients: who came and went, what was refused and dropped. */
import { Ring } from "./ring.ts";

/** How many lines are kept, for all clients together. */
const LINES_MAX = 2000;

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

/** The last lines about clients. The same line in a row is one that is counted. */
export class ClientLines {
  readonly #ring = new Ring<ClientLine>(LINES_MAX);
  #last: ClientLine | null = null;
  #number = 0;

  /** A copy, in no order. */
  get items(): ClientLine[] {
    return this.#ring.items;
  }

  /**
   * Adds a line.
   *
   * @param beside Characters that the text keeps alive beside its own: the beginning of a text may
   * keep all of it.
   */
  add(time: string, clientId: string, text: string, beside = 0): void {
    const last = this.#last;
    if (last !== null && last.clientId === clientId && last.text === text) {
      last.time = time;
      last.times++;
      return;
    }
    this.#last = { number: ++this.#number, clientId, text, time, times: 1 };
    this.#ring.add(this.#last, clientId.length + text.length + beside);
  }
}
