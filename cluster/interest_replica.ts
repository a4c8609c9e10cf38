/** The subscriptions of another node: they become those of the session that it has here. */
import type { NodeHost, NodeSession } from "../broker/node_port.ts";
import type { QoS } from "../codec/mod.ts";
import { parseSharedFilter, topicFilterFault } from "../router/topic.ts";
import { FrameError, type FrameReader } from "./frames.ts";
import { END, GONE, InterestFlag } from "./interest_feed.ts";
import type { InterestTable } from "./interest_table.ts";

/** The cost of adding or removing a filter, in units of the turn budget. */
const UNITS_PER_FILTER = 4;

/** One filter in a frame. */
interface Entry {
  readonly filter: string;
  readonly qos: number;
  /** The number of a shared group at the other node; 0 for none. */
  readonly number: number;
}

/**
 * Applies what another node tells of its subscriptions to its session. What the session had from an
 * earlier link is removed when the other node has told all and has not named it.
 */
export class InterestReplica {
  readonly #host: NodeHost;
  readonly #session: NodeSession;
  readonly #table: InterestTable;
  readonly #onKnown: (change: number) => void;
  /** What was named since the other node began to tell all; `null` once it has told all. */
  #named: Set<string> | null = null;
  #isComplete = false;

  /** @param onKnown Called with the number of the last change that is known, and stored. */
  constructor(
    host: NodeHost,
    session: NodeSession,
    table: InterestTable,
    onKnown: (change: number) => void,
  ) {
    this.#host = host;
    this.#table = table;
    this.#session = session;
    this.#onKnown = onKnown;
  }

  /** Whether the other node has told all that it had at the start. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Takes one frame; resolves when the next one may come. */
  take(body: FrameReader): PromiseLike<void> | null {
    const entries: Entry[] = [];
    let qos = body.byte();
    for (; qos !== END; qos = body.byte()) {
      const number = body.uint32();
      const filter = body.text();
      const fault = qos > GONE ? `QoS ${qos}` : topicFilterFault(filter);
      if (fault !== null) throw new FrameError(`A subscription to "${filter}": ${fault}`);
      if ((number > 0) !== (parseSharedFilter(filter) !== null)) {
        throw new FrameError(`A subscription to "${filter}" with the number ${number}`);
      }
      entries.push({ filter, qos, number });
    }
    const flags = body.byte();
    const change = body.number();
    if (flags & InterestFlag.first) this.#named = new Set();
    const applied = this.#apply(entries);
    if ((flags & InterestFlag.last) === 0) return then(applied, () => this.#store(change));
    const removed = () => then(this.#removeOthers(), () => this.#store(change));
    return applied === null ? removed() : applied.then(removed).then(() => {});
  }

  #apply(entries: readonly Entry[]): PromiseLike<void> | null {
    let i = 0;
    return this.#host.inTurns(() => {
      const entry = entries[i++];
      if (entry === undefined) return 0;
      const { filter, qos, number } = entry;
      if (qos === GONE) this.#session.unsubscribe(filter);
      else {
        this.#named?.add(filter);
        this.#session.subscribe(filter, qos as QoS, number);
        // If its members here are gone, a message for the group goes on to those there.
        this.#table.numberOf(filter);
      }
      return UNITS_PER_FILTER;
    });
  }

  #removeOthers(): PromiseLike<void> | null {
    const named = this.#named;
    this.#named = null;
    if (named === null) throw new FrameError("The end of subscriptions without a start");
    this.#isComplete = true;
    const filters = this.#session.filters()[Symbol.iterator]();
    return this.#host.inTurns(() => {
      const next = filters.next();
      if (next.done) return 0;
      if (!named.has(next.value)) this.#session.unsubscribe(next.value);
      return UNITS_PER_FILTER;
    });
  }

  /** Says that the changes are known, once a restart would not forget them. */
  #store(change: number): void {
    if (change === 0) return;
    const stored = this.#session.whenStored();
    if (stored === null) this.#onKnown(change);
    else stored.then(() => this.#onKnown(change), (error) => this.#host.reportError(error));
  }
}

/** Calls a function after a wait, or at once if there is none. */
function then(wait: PromiseLike<void> | null, next: () => void): PromiseLike<void> | null {
  if (wait !== null) return wait.then(next);
  next();
  return null;
}
