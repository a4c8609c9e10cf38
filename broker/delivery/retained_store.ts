/** The retained messages of all topics, with their expiry. */
import { RETAINED_BYTES } from "../base/memory_costs.ts";
import { type RetainedCursor, RetainedTree } from "../../router/retained_tree.ts";
import type { Clock } from "../base/clock.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { Message } from "../base/message.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";

/** What a retained message is kept by. */
export type RetainedHead = Pick<Message, "name" | "expirySeconds" | "deadlineMs" | "weight">;

/**
 * Called with a topic whose retained message has come, changed or gone, and with whether it has gone
 * because it has expired.
 */
export type RetainedWatcher = (topic: string, isExpired: boolean) => void;

/** A message that is kept in fewer bytes until someone needs it. */
export interface PackedMessage {
  /** What {@linkcode Message.weight} will be. */
  readonly weight: number;
  /** Makes the message, which owns its bytes. */
  unpack(): Message;
}

/** A retained message, when it came, and its expiry; times are of the clock. */
class Retained {
  #message: Message | PackedMessage;

  constructor(
    message: Message | PackedMessage,
    readonly sinceMs: number,
    readonly expiry: Deadline | null,
    /** Its version among the nodes of a cluster; 0 for none. */
    public version: number,
  ) {
    this.#message = message;
  }

  /** Unpacked once: who is asked for once will be asked for again. */
  get message(): Message {
    if (!(this.#message instanceof Message)) this.#message = this.#message.unpack();
    return this.#message;
  }

  get weight(): number {
    return this.#message.weight;
  }
}

/** The last message of each topic that was published with the RETAIN flag. */
export class RetainedStore {
  readonly #tree = new RetainedTree<Retained>();
  readonly #limits: BrokerLimits;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #onChanged: RetainedWatcher;
  readonly #mayGrow: (bytes: number) => boolean;
  readonly #expiryOf: (topic: string) => number;
  /**
   * Called when the message of a topic is removed and there was none; `null` if nobody asks. Set by
   * `retained_port.ts`.
   */
  onNoneRemoved: ((topic: string) => void) | null = null;
  /** Memory of the messages, without the tree. */
  #bytes = 0;

  /**
   * @param onChanged Called when the message of a topic is replaced or removed.
   * @param mayGrow Whether there is memory for so many more bytes.
   * @param expiryOf How many seconds a message without an expiry of its own stays.
   */
  constructor(
    limits: BrokerLimits,
    clock: Clock,
    scheduler: Scheduler,
    onChanged: RetainedWatcher = () => {},
    mayGrow: (bytes: number) => boolean = () => true,
    expiryOf: (topic: string) => number = () => Infinity,
  ) {
    this.#expiryOf = expiryOf;
    this.#mayGrow = mayGrow;
    this.#onChanged = onChanged;
    this.#limits = limits;
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  /** The number of retained messages. */
  get size(): number {
    return this.#tree.size;
  }

  /** Memory of the messages, in bytes. */
  get bytes(): number {
    return this.#bytes + this.#tree.bytes;
  }

  /**
   * Handles a message with the RETAIN flag: it replaces the message of its topic, or removes it if
   * the payload is empty [MQTT-3.3.1-5] [MQTT-3.3.1-6].
   *
   * @param sinceMs When it came, by the clock; now by default.
   * @param version Its version among the nodes of a cluster; 0, the default, for none.
   * @returns False if there is no room. Then nothing has changed.
   */
  set(message: Message, sinceMs: number = this.#clock.now(), version = 0): boolean {
    if (message.payloadStart === message.payloadEnd) {
      this.#delete(message.name, false);
      return true;
    }
    const previous = this.#tree.get(message.name);
    const { retainedMessagesMax, retainedBytesMax } = this.#limits;
    const growth = previous === undefined
      ? costOf(message) + this.#tree.costOf(message.name)
      : costOf(message) - costOf(previous);
    if (previous === undefined && this.#tree.size >= retainedMessagesMax) return false;
    if (growth > 0 && this.bytes + growth > retainedBytesMax) return false;
    // The number of `$SYS` topics is limited, and they are most useful when memory is short.
    if (growth > 0 && !message.name.startsWith("$SYS/") && !this.#mayGrow(growth)) return false;
    this.#forget(previous);
    this.#put(message, message.keep(), sinceMs, version);
    this.#onChanged(message.name, false);
    return true;
  }

  /** Adds a message from the store that came at this time, with its version; 0 for none. */
  restore(head: RetainedHead, message: PackedMessage, sinceMs: number, version: number): void {
    this.#put(head, message, sinceMs, version);
  }

  #put(
    head: RetainedHead,
    message: Message | PackedMessage,
    sinceMs: number,
    version: number,
  ): void {
    const { name, expirySeconds, deadlineMs } = head;
    const dueMs = expirySeconds < 0 ? sinceMs + this.#expiryOf(name) * 1000 : deadlineMs;
    const expiry = dueMs === Infinity ? null : new Deadline(() => this.#delete(name, true));
    if (expiry !== null) this.#scheduler.set(expiry, dueMs);
    this.#tree.set(name, new Retained(message, sinceMs, expiry, version));
    this.#bytes += costOf(head);
  }

  /** When the retained message of a topic came, by the clock; now if there is none. */
  sinceOf(topic: string): number {
    return this.#tree.get(topic)?.sinceMs ?? this.#clock.now();
  }

  /** The version of a topic's message among the nodes of a cluster; 0 for none. */
  versionOf(topic: string): number {
    return this.#tree.get(topic)?.version ?? 0;
  }

  /** Gives the message of a topic a version, if there is one. It is stored with the next commit. */
  setVersion(topic: string, version: number): void {
    const retained = this.#tree.get(topic);
    if (retained !== undefined) retained.version = version;
  }

  /** The retained message of a topic. */
  get(topic: string): Message | undefined {
    return this.#tree.get(topic)?.message;
  }

  /** Walks the retained messages that match a filter. */
  match(filter: string): RetainedWalk {
    return new RetainedWalk(this.#tree.match(filter), this.#clock);
  }

  #delete(topic: string, isExpired: boolean): void {
    const retained = this.#tree.delete(topic);
    this.#forget(retained);
    if (retained !== undefined) this.#onChanged(topic, isExpired);
    else if (!isExpired) this.onNoneRemoved?.(topic);
  }

  #forget(retained: Retained | undefined): void {
    if (retained === undefined) return;
    this.#bytes -= costOf(retained);
    if (retained.expiry !== null) this.#scheduler.clear(retained.expiry);
  }
}

/** Memory of a retained message, without its nodes of the tree, in bytes. */
function costOf({ weight }: { readonly weight: number }): number {
  return weight + RETAINED_BYTES;
}

/** A walk over retained messages, one page at a time. */
export class RetainedWalk {
  readonly #cursor: RetainedCursor<Retained>;
  readonly #clock: Clock;

  constructor(cursor: RetainedCursor<Retained>, clock: Clock) {
    this.#cursor = cursor;
    this.#clock = clock;
  }

  /** Whether it has ended: at once if no topic has the first level of the filter. */
  get done(): boolean {
    return this.#cursor.done;
  }

  /** The number of topic levels visited so far. */
  get visits(): number {
    return this.#cursor.visits;
  }

  /**
   * The next messages.
   *
   * @param max The maximum number of messages.
   * @param visitsMax The maximum number of topic levels to visit: a filter may visit many and match
   * few.
   * @returns Empty if it has found nothing yet; `null` at the end.
   */
  next(max: number, visitsMax = Infinity): Message[] | null {
    const page = this.#cursor.next(max, visitsMax);
    if (page.length === 0) return this.#cursor.done ? null : [];
    const now = this.#clock.now();
    return page.filter(({ expiry }) => expiry === null || expiry.atMs > now)
      .map(({ message }) => message);
  }
}
