/** Pauses the reading of a connection while there is any reason to. */
import type { Connection } from "../client/connection.ts";

/** Why nothing is read: the bridge is not ready, the other side is slow, or the rate is reached. */
export type PauseReason = "setup" | "congestion" | "rate";

/** Pauses the reading of a connection while there is any reason to. */
export class Valve {
  readonly #connection: Connection;
  readonly #reasons = new Set<PauseReason>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Adds or removes a reason. */
  set(reason: PauseReason, holds: boolean): void {
    if (holds) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    this.#connection.setPaused(this.#reasons.size > 0);
  }

  /** Takes all reasons away. */
  open(): void {
    this.#reasons.clear();
    this.#connection.setPaused(false);
  }
}
