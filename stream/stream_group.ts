/** The progress of one consumer group of a stream. */

/** How many messages a group may pass that do not match before that is stored by itself. */
const PASSED_MAX = 4096;

/** Whoever was sent a message of a group. */
export interface PendingHolder {
  readonly clientId: string;
}

/** A message that a group was given, or will be, and that is not acknowledged yet. */
export class PendingMessage {
  readonly seq: number;
  /** How often a member was sent it. */
  deliveries: number;
  /** When a member was sent it last, in milliseconds since 1970; 0 for never. */
  deliveredMs = 0;
  /** That member, as long as nobody else was sent it; `null` for nobody. */
  holder: PendingHolder | null = null;

  constructor(seq: number, deliveries: number) {
    this.seq = seq;
    this.deliveries = deliveries;
  }
}

/** What a group is made with, and what is stored of it. */
export interface GroupState {
  readonly name: string;
  /** What the topics match, as the broker knows them. */
  readonly filter: string;
  /** Whether one member at a time gets messages. */
  readonly isExclusive: boolean;
  /** The first sequence that no member was given yet. */
  readonly next: number;
  /** What is in front of it and not acknowledged, in the order of the sequences. */
  readonly pending: readonly PendingMessage[];
}

/** Whoever gives the messages of a group to its members. */
export interface GroupDistributor {
  /** The client identifiers of all members, connected or not. */
  readonly members: readonly string[];
  /** The group begins at another position: what its members have in flight does not count. */
  moved(): void;
  /** The group is no more. */
  ended(): void;
}

/**
 * The progress of a group: everything in front of `next` was acknowledged, except what is pending.
 * So acknowledgements in any order take as much room as there are messages that wait for one.
 */
export class StreamGroup {
  readonly name: string;
  readonly filter: string;
  readonly isExclusive: boolean;
  /** Whoever gives its messages to members; `null` as long as there was none. */
  distributor: GroupDistributor | null = null;
  readonly #changed: (group: StreamGroup) => void;
  /** In the order of the sequences: only messages from `next` on are added. */
  readonly #pending = new Map<number, PendingMessage>();
  #next: number;
  #storedNext: number;

  /** @param changed Told when it has to be stored. */
  constructor(state: GroupState, changed: (group: StreamGroup) => void) {
    this.name = state.name;
    this.filter = state.filter;
    this.isExclusive = state.isExclusive;
    this.#changed = changed;
    this.#next = this.#storedNext = state.next;
    for (const message of state.pending) this.#pending.set(message.seq, message);
  }

  /** The first sequence that no member was given yet. */
  get next(): number {
    return this.#next;
  }

  /** The sequence from which on not everything is acknowledged. */
  get floor(): number {
    for (const seq of this.#pending.keys()) return seq;
    return this.#next;
  }

  /** How many messages wait for an acknowledgement. */
  get size(): number {
    return this.#pending.size;
  }

  /** The messages that wait for an acknowledgement, in the order of their sequences. */
  pending(): IterableIterator<PendingMessage> {
    return this.#pending.values();
  }

  /** Whether a message still waits for an acknowledgement. */
  isPending(message: PendingMessage): boolean {
    return this.#pending.get(message.seq) === message;
  }

  /** Everything in front of a sequence was looked at. */
  passTo(next: number): void {
    this.#next = Math.max(this.#next, next);
    if (this.#next - this.#storedNext >= PASSED_MAX) this.changed();
  }

  /** Adds the message at {@linkcode next}, or one farther on. */
  add(seq: number): PendingMessage {
    const message = new PendingMessage(seq, 0);
    this.#pending.set(seq, message);
    this.#next = seq + 1;
    return message;
  }

  /** A message is done with. Returns false if it was before. */
  settle(message: PendingMessage): boolean {
    if (!this.isPending(message)) return false;
    this.#pending.delete(message.seq);
    this.changed();
    return true;
  }

  /** Begins at another position: at the very sequences first, and then at `next`. */
  moveTo(next: number, chosen: readonly number[]): void {
    this.#pending.clear();
    for (const seq of chosen) this.#pending.set(seq, new PendingMessage(seq, 0));
    this.#next = next;
    this.changed();
    this.distributor?.moved();
  }

  /** Something of it has to be stored. */
  changed(): void {
    this.#changed(this);
  }

  /** What is stored of it now. */
  takeState(): GroupState {
    this.#storedNext = this.#next;
    const { name, filter, isExclusive, next } = this;
    return { name, filter, isExclusive, next, pending: [...this.#pending.values()] };
  }
}
