/** What dynamic security needs of the broker that it is part of. */
import type { ClientInfo } from "../authenticator.ts";
import type { PaceClock } from "./command_pace.ts";
import type { AccountStore } from "./rows.ts";
import type { SecurityPeers } from "./security_peers.ts";

/** What dynamic security needs of the broker. */
export interface SecurityHost extends PaceClock {
  /** The store of the accounts; `null` for memory only. */
  readonly store: AccountStore | null;
  /**
   * The other nodes of the broker; `null`, the default, if there are none.
   *
   * @internal
   */
  readonly peers?: SecurityPeers | null;
  /** Resolves when the caller may go on. */
  nextTurn(): Promise<void>;
  /** The connected clients. They may connect and disconnect during the walk. */
  clients(): Iterable<ClientInfo>;
  /** Disconnects a client with 0x98. */
  disconnect(clientId: string): void;
  /** Publishes an answer. */
  publish(topic: string, text: string): void;
  /** Permissions have changed: remembered answers are outdated. */
  onAccessChanged(): void;
  /** Checks every subscription again. */
  reauthorize(): Promise<unknown>;
  /** A command has changed something. */
  onAccountChanged(change: AccountChange): void;
  /** Reports an internal error. */
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
