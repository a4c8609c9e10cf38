/** Applies changed permissions to the clients that are connected. */
import type { AffectedClients } from "./command.ts";
import type { SecurityHost } from "./security_host.ts";

/** Steps of a loop between two turns. */
const STEPS_PER_TURN = 256;

/** What it needs of the broker. */
export type EnforcementHost = Pick<
  SecurityHost,
  "clients" | "disconnect" | "nextTurn" | "reauthorize" | "onFailed"
>;

/** Disconnects clients, and ends subscriptions that are no longer allowed. */
export class Enforcement {
  readonly #host: EnforcementHost;
  #asking: Promise<unknown> | null = null;
  #asksAgain = false;

  constructor(host: EnforcementHost) {
    this.#host = host;
  }

  /** Disconnects the clients that a change affects, in a later turn than that of the answer. */
  async run({ usernames, isAnonymous }: AffectedClients): Promise<void> {
    await this.#host.nextTurn();
    if (usernames.size > 0 || isAnonymous) {
      let steps = 0;
      for (const { clientId, username } of this.#host.clients()) {
        if (username === null ? isAnonymous : usernames.has(username)) {
          this.#host.disconnect(clientId);
        }
        if (++steps % STEPS_PER_TURN === 0) await this.#host.nextTurn();
      }
    }
    this.#askAgain();
  }

  /** Ends subscriptions that are no longer allowed: once for many changes. */
  #askAgain(): void {
    this.#asksAgain = true;
    this.#asking ??= this.#ask().finally(() => this.#asking = null);
  }

  async #ask(): Promise<void> {
    while (this.#asksAgain) {
      this.#asksAgain = false;
      try {
        await this.#host.reauthorize();
      } catch (error) {
        this.#host.onFailed(error);
      }
    }
  }
}
