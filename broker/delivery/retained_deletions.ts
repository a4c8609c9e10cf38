/** Which topics have no retained message any more, and since when, for the nodes of a cluster. */
import { DELETION_BYTES } from "../base/memory_costs.ts";

/** How many deletions are remembered. */
export const DELETIONS_MAX = 100_000;
/** Their memory, in bytes. */
export const DELETIONS_BYTES_MAX = 32 * 1024 * 1024;
/** How long a deletion is remembered, in milliseconds: seven days. */
export const DELETION_MS = 7 * 24 * 3600 * 1000;

/**
 * How long a deletion that every node has stored is remembered, in milliseconds: ten minutes. Whatever
 * was under way between nodes when they stored it has arrived by then.
 */
export const DELETION_STORED_MS = 600_000;

/** Microseconds of a millisecond. */
const US_PER_MS = 1000;

/** When a message was deleted, and its place in the order in which this node has learned of it. */
interface Deletion {
  readonly version: number;
  readonly number: number;
}

/** What the deletions need of the broker. */
export interface RetainedDeletionsHost {
  /** Milliseconds since 1970, of the wall clock. */
  wallClock(): number;
  /**
   * A deletion is forgotten, so its row goes with the next commit.
   *
   * @param isEarly Whether a limit makes it so, before its time.
   */
  onForgotten(topic: string, isEarly: boolean): void;
}

/**
 * The deletions of retained messages that this node knows of, with their versions: the time of each
 * in microseconds since 1970. A node that was down meanwhile still has the message. It is told the
 * deletion, so it does not bring the message back. A broker that is no node adds none.
 *
 * A deletion is kept for {@linkcode DELETION_MS}, or for {@linkcode DELETION_STORED_MS} if every node
 * has stored it. Beyond {@linkcode DELETIONS_MAX} or
 * {@linkcode DELETIONS_BYTES_MAX} the oldest one is forgotten before.
 */
export class RetainedDeletions {
  readonly #host: RetainedDeletionsHost;
  /** By topic, the oldest first. */
  readonly #all = new Map<string, Deletion>();
  #last = 0;
  #bytes = 0;

  constructor(host: RetainedDeletionsHost) {
    this.#host = host;
  }

  /** The number of the last one. */
  get last(): number {
    return this.#last;
  }

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** Their memory, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The topics, the oldest deletion first. They may change during the walk. */
  topics(): Iterable<string> {
    return this.#all.keys();
  }

  /** The version of the deletion of a topic; 0 if none is known. */
  versionOf(topic: string): number {
    return this.#all.get(topic)?.version ?? 0;
  }

  /** Whether a deletion of this version is too old to be kept. */
  isOver(version: number): boolean {
    return this.#isOlder(version, DELETION_MS);
  }

  /** The message of a topic was deleted. Its row is the caller's matter. */
  add(topic: string, version: number): void {
    this.delete(topic);
    this.#all.set(topic, { version, number: ++this.#last });
    this.#bytes += costOf(topic);
    for (const [oldest, { version }] of this.#all) {
      const isEarly = !this.isOver(version);
      const isFull = this.size > DELETIONS_MAX || this.#bytes > DELETIONS_BYTES_MAX;
      if (isEarly && !isFull) return;
      this.delete(oldest);
      this.#host.onForgotten(oldest, isEarly);
    }
  }

  /** The topic has a message again. */
  delete(topic: string): void {
    if (this.#all.delete(topic)) this.#bytes -= costOf(topic);
  }

  /** Every other node has stored the deletions up to this number. */
  collect(last: number): void {
    for (const [oldest, { version, number }] of this.#all) {
      if (number > last || !this.#isOlder(version, DELETION_STORED_MS)) return;
      this.delete(oldest);
      this.#host.onForgotten(oldest, false);
    }
  }

  #isOlder(version: number, ms: number): boolean {
    return version <= (this.#host.wallClock() - ms) * US_PER_MS;
  }
}

/** Memory of a deletion, in bytes. */
function costOf(topic: string): number {
  return topic.length * 2 + DELETION_BYTES;
}
