/** What dynamic security needs of the broker that it is part of. */
import type { ClientInfo } from "../authenticator.ts";
import type { PaceClock } from "./command_pace.ts";
import type { AccountStore } from "./rows.ts";

/** What dynamic security needs of the broker. */
export interface SecurityHost extends PaceClock {
  /** Where the accounts are kept; `null` for memory only. */
  readonly store: AccountStore | null;
  /** Resolves when it is the turn of whoever asks. */
  nextTurn(): Promise<void>;
  /** The clients that are connected; they may come and go during the walk. */
  clients(): Iterable<ClientInfo>;
  /** Disconnects a client with 0x98. */
  disconnect(clientId: string): void;
  /** Publishes an answer. */
  publish(topic: string, text: string): void;
  /** What clients may do has changed: answers that are remembered are outdated. */
  onAccessChanged(): void;
  /** Asks about every subscription again. */
  reauthorize(): Promise<unknown>;
  /** A command has changed something. */
  onAccountChanged(change: AccountChange): void;
  /** Reports a failure that is no client's. */
  onFailed(error: unknown): void;
}

/** A command that has changed something, for the log. */
export interface AccountChange {
  /** The name of the command. */
  readonly command: string;
  /** What it names: an account, a group, a role. */
  readonly names: readonly string[];
  /** Who has sent it. */
  readonly by: string;
}
