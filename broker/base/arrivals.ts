/** Finds out whether more waits at the sockets than the runtime has handed on. */

/**
 * The number of arrivals in one event that means that more of them wait. The runtime hands on 128
 * completed reads and writes for each poll of its sockets, however many are ready.
 */
const MANY = 64;

/** How long other work waits while many arrive, in milliseconds. */
const DRAIN_MS_MAX = 12;

/**
 * Counts what arrives: bytes, and ends of connections. Thousands of sockets may be ready at the same
 * time, and the runtime hands on what they have in parts. What another client has sent is in one of
 * the last parts, so it waits for everything that is done between two of them. Without other work
 * a part takes 0.4 ms, and with it 4 to 20 ms (measured). So other work waits until a part was
 * small, and does one turn after {@linkcode DRAIN_MS_MAX}.
 */
export class Arrivals {
  /** In this event of the runtime. */
  #inEvent = 0;
  /** In the largest event since the last poll. */
  #most = 0;
  #areMany = false;
  /** Since when other work waits. */
  #sinceMs = 0;

  /** Whether many arrive, so that other work waits. */
  get areMany(): boolean {
    return this.#areMany;
  }

  /** Counts one arrival. */
  count(): void {
    this.#inEvent++;
  }

  /** An event of the runtime is over, with everything that it has caused. */
  onEventOver(nowMs: number): void {
    if (this.#inEvent > this.#most) this.#most = this.#inEvent;
    this.#inEvent = 0;
    if (this.#areMany || this.#most < MANY) return;
    this.#areMany = true;
    this.#sinceMs = nowMs;
  }

  /** The runtime has polled its sockets, and handed on what it has found. */
  onPolled(): void {
    this.#areMany = this.#most >= MANY;
    this.#most = 0;
  }

  /** Whether other work may take a turn, which begins now. */
  mayOthers(nowMs: number): boolean {
    return !this.#areMany || nowMs - this.#sinceMs >= DRAIN_MS_MAX;
  }

  /** Other work has had a turn, and waits again. */
  onOthersDone(nowMs: number): void {
    this.#sinceMs = nowMs;
  }
}
