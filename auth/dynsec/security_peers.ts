/** The other nodes of a broker, each of which has a replica of the accounts. */
import type { AffectedClients } from "./command.ts";
import type { AccountRow } from "./rows.ts";

/** A connected client with a user name: that name, and its address. */
export type ConnectedUser = readonly [username: string, address: string];

/** What dynamic security needs of the other nodes. None of it rejects. */
export interface SecurityPeers {
  /** Has every replica take changed rows. Resolves when all that run have taken them. */
  take(rows: readonly AccountRow[]): Promise<void>;
  /** Has every other node apply changed permissions to its clients. */
  enforce(affected: AffectedClients): void;
  /** The clients of all other nodes that have this user name, or any if it is `null`. */
  clients(username: string | null): Promise<readonly ConnectedUser[]>;
}
