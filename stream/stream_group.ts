/** The progress of one consumer group of a stream. */

/** The number of messages that do not match after which the progress is stored for them alone. */
const PASSED_MAX = 4096;

/** A member that was sent a message of a group. */
export interface PendingHolder {
  readonly clientId: string;
}

/**
 * A message that is not acknowledged yet: a member has it, or gets it next. Its deliveries are
 * counted by the dispatcher of the group.
 */
export class PendingMessage {
  readonly seq: number;
  /** The number of its deliveries. */
  deliveries: number;
  /** The time of the last delivery, in milliseconds since 1970; 0 for none. */
  deliveredMs = 0;
  /** The same time by the clock of the broker, which is never set. */
  sentMs = 0;
  /** The member that has the message; `null` for none. */
  holder: PendingHolder | null = null;

  constructor(seq: number, deliveries: number) {
    this.seq = seq;
    this.deliveries = deliveries;
  }
}

/** The stored state of a group, from which it is created. */
export interface GroupState {
  readonly name: string;
  /** The topic filter, with the mount point. */
  readonly filter: string;
  /** Whether only one member at a time gets messages. */
  readonly isExclusive: boolean;
  /** The first sequence that was not given to a member yet. */
  readonly next: number;
  /** The messages before it that are not acknowledged, in the order of their sequences. */
  readonly pending: readonly PendingMessage[];
  /** Since when it has no members, in milliseconds since 1970; 0 if it has, or it is not known. */
  readonly idleSinceMs?: number;
}

/** The part of the broker that gives the messages of a group to its members. */
export interface GroupDistributor {
  /** The client identifiers of all members, connected or not. */
  readonly members: readonly string[];
  /**
   * The group begins at another position. Messages in flight to its members do not count any more.
   */
  onMoved(): void;
  /** The group was removed. */
  onEnded(): void;
}

/**
 * The progress of a group: all messages before `next` are acknowledged, except the pending ones. So
 * acknowledgements may come in any order, and the memory depends only on the pending messages.
 */
export class StreamGroup {
  readonly name: string;
  readonly filter: string;
  readonly isExclusive: boolean;
  /** Sends the messages to the members; `null` before the first member, which sets it. */
  distributor: GroupDistributor | null = null;
  readonly #onChanged: (group: StreamGroup) => void;
  /** The pending messages, in the order of their sequences, because each new one is the highest. */
  readonly #pending = new Map<number, PendingMessage>();
  #next: number;
  #storedNext: number;
  #idleSinceMs: number;

  /** @param onChanged Called when the group must be stored. */
  constructor(state: GroupState, onChanged: (group: StreamGroup) => void) {
    this.name = state.name;
    this.filter = state.filter;
    this.isExclusive = state.isExclusive;
    this.#onChanged = onChanged;
    this.#next = this.#storedNext = state.next;
    this.#idleSinceMs = state.idleSinceMs ?? 0;
    for (const message of state.pending) this.#pending.set(message.seq, message);
  }

  /** Since when the group has no members, in milliseconds since 1970; 0 if it has. */
  get idleSinceMs(): number {
    return this.#idleSinceMs;
  }

  /** Sets {@linkcode idleSinceMs}. */
  setIdleSince(timeMs: number): void {
    if (timeMs === this.#idleSinceMs) return;
    this.#idleSinceMs = timeMs;
    this.markChanged();
  }

  /** The first sequence that no member was given yet. */
  get next(): number {
    return this.#next;
  }

  /** The first sequence that is not acknowledged. */
  get floor(): number {
    for (const seq of this.#pending.keys()) return seq;
    return this.#next;
  }

  /** The number of pending messages. */
  get size(): number {
    return this.#pending.size;
  }

  /** The pending messages, in the order of their sequences. */
  pending(): IterableIterator<PendingMessage> {
    return this.#pending.values();
  }

  /** Whether a message is pending. */
  isPending(message: PendingMessage): boolean {
    return this.#pending.get(message.seq) === message;
  }

  /** Moves {@linkcode next} to a sequence: the messages before it do not match, or were added. */
  passTo(next: number): void {
    this.#next = Math.max(this.#next, next);
    if (this.#next - this.#storedNext >= PASSED_MAX) this.markChanged();
  }

  /** Adds the message at {@linkcode next} or a later one. */
  add(seq: number): PendingMessage {
    const message = new PendingMessage(seq, 0);
    this.#pending.set(seq, message);
    this.#next = seq + 1;
    return message;
  }

  /** Removes a message that is acknowledged. Returns whether it was pending. */
  settle(message: PendingMessage): boolean {
    if (!this.isPending(message)) return false;
    this.#pending.delete(message.seq);
    this.markChanged();
    return true;
  }

  /** Begins at another position: with these single sequences, and then at `next`. */
  moveTo(next: number, chosen: readonly number[]): void {
    this.#pending.clear();
    for (const seq of chosen) this.#pending.set(seq, new PendingMessage(seq, 0));
    this.#next = next;
    this.markChanged();
    this.distributor?.onMoved();
  }

  /** Has the group stored. */
  markChanged(): void {
    this.#onChanged(this);
  }

  /** The state to store. */
  takeState(): GroupState {
    this.#storedNext = this.#next;
    const { name, filter, isExclusive, next, idleSinceMs } = this;
    return { name, filter, isExclusive, next, idleSinceMs, pending: [...this.#pending.values()] };
  }
}
