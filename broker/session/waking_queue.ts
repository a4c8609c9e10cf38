/** How a session has its queue: at once, or from the moment on in which something needs it. */
import type { Tally } from "../base/memory_tally.ts";
import type { MessageFollows, MessageLog } from "../delivery/backlog.ts";
import type { SessionQueue, SleepingQueue, WakingSession } from "./session_queue.ts";

/**
 * A session as far as its queue is concerned. After a start most sessions are asleep: their clients
 * are away, and no message comes for them. Then all that the session has is a
 * {@linkcode SleepingQueue}, which makes the queue when it is first asked for.
 */
export abstract class WakingQueue {
  #queue: SessionQueue | null = null;
  /** `null` for a session that is awake. */
  #asleep: SleepingQueue | null = null;

  /** What waits for the client, and whatever makes the session survive. */
  get queue(): SessionQueue {
    return this.#queue ?? this.#wake();
  }

  /** Whether nothing has asked for its queue yet. */
  get isAsleep(): boolean {
    return this.#asleep !== null;
  }

  /** Whether what the session needs is stored. */
  get isDurable(): boolean {
    return this.#asleep !== null || this.#queue!.isDurable;
  }

  /** How much waits. To ask wakes nobody. */
  get waiting(): Pick<SessionQueue, "messages" | "bytes"> {
    return this.#asleep ?? this.#queue!;
  }

  /**
   * Follows a log that is shared with other sessions, from its end on, if possible without waking.
   *
   * @returns False if it cannot follow one more.
   */
  follow(log: MessageLog, follows: MessageFollows): boolean {
    return this.#asleep?.follow(log, follows) || this.queue.follow(log, follows);
  }

  /** Adds what waits in memory, besides what is in flight. */
  tally(tally: Tally): void {
    (this.#asleep ?? this.#queue!).tally(tally);
  }

  /** Says once how the session has its queue. */
  protected begin(queue: SessionQueue | null, asleep: SleepingQueue | null): void {
    this.#queue = queue;
    this.#asleep = asleep;
  }

  /** The session itself. */
  protected abstract readonly waking: WakingSession;

  #wake(): SessionQueue {
    const asleep = this.#asleep!;
    this.#asleep = null;
    return this.#queue = asleep.wake(this.waking);
  }
}
