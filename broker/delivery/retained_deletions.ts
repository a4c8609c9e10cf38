/** Which topics have no retained message any more, and since when, for the nodes of a cluster. */
import { DELETION_BYTES } from "../base/memory_costs.ts";

/** How many deletions are remembered. */
export const DELETIONS_MAX = 100_000;
/** Their memory, in bytes. */
export const DELETIONS_BYTES_MAX = 32 * 1024 * 1024;
/** How long a deletion is remembered, in milliseconds: seven days. */
export const DELETION_MS = 7 * 24 * 3600 * 1000;

/** Microseconds of a millisecond. */
const US_PER_MS = 1000;

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
 * A deletion is kept for {@linkcode DELETION_MS}. Beyond {@linkcode DELETIONS_MAX} or
 * {@linkcode DELETIONS_BYTES_MAX} the oldest one is forgotten before.
 */
export class RetainedDeletions {
  readonly #host: RetainedDeletionsHost;
  /** Versions by topic, the oldest first. */
  readonly #versions = new Map<string, number>();
  #bytes = 0;

  constructor(host: RetainedDeletionsHost) {
    this.#host = host;
  }

  /** How many there are. */
  get size(): number {
    return this.#versions.size;
  }

  /** Their memory, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The topics, the oldest deletion first. They may change during the walk. */
  topics(): Iterable<string> {
    return this.#versions.keys();
  }

  /** The version of the deletion of a topic; 0 if none is known. */
  versionOf(topic: string): number {
    return this.#versions.get(topic) ?? 0;
  }

  /** Whether a deletion of this version is too old to be kept. */
  isOver(version: number): boolean {
    return version <= (this.#host.wallClock() - DELETION_MS) * US_PER_MS;
  }

  /** The message of a topic was deleted. Its row is the caller's matter. */
  add(topic: string, version: number): void {
    this.delete(topic);
    this.#versions.set(topic, version);
    this.#bytes += costOf(topic);
    for (const [oldest, since] of this.#versions) {
      const isEarly = !this.isOver(since);
      const isFull = this.size > DELETIONS_MAX || this.#bytes > DELETIONS_BYTES_MAX;
      if (isEarly && !isFull) return;
      this.delete(oldest);
      this.#host.onForgotten(oldest, isEarly);
    }
  }

  /** The topic has a message again. */
  delete(topic: string): void {
    if (this.#versions.delete(topic)) this.#bytes -= costOf(topic);
  }
}

/** Memory of a deletion, in bytes. */
function costOf(topic: string): number {
  return topic.length * 2 + DELETION_BYTES;
}
