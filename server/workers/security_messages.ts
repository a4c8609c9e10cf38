/** What nodes tell each other about the accounts of dynamic security, by way of the supervisor. */
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { AffectedClients } from "../../auth/dynsec/command.ts";
import type { AccountRow } from "../../auth/dynsec/rows.ts";
import type { ConnectedUser } from "../../auth/dynsec/security_peers.ts";

/** The node that has the store of the accounts, and executes commands. */
export const OWNER = 0;

/** What the owner tells another node. Numbered messages are answered. */
export type FromOwner =
  /** Every row comes from now on, with `take`; then the copy ends. */
  | { readonly kind: "copy-begins" }
  | { readonly kind: "copy-ends" }
  /** Rows of a copy, which are not answered, or rows that have changed. */
  | { readonly kind: "take"; readonly id: string | null; readonly rows: readonly AccountRow[] }
  /** Permissions have changed: those of clients with these names, or without any. */
  | ({ readonly kind: "enforce" } & AffectedClients)
  /** Which clients have this user name, or any (`null`)? */
  | { readonly kind: "clients"; readonly id: string; readonly username: string | null }
  /** The commands are executed, or the accounts are not open yet. */
  | { readonly kind: "executed"; readonly id: string; readonly isDone: boolean };

/** What another node tells the owner. */
export type FromFollower =
  /** It wants a copy of all rows. */
  | { readonly kind: "want-copy" }
  /** The answer to a numbered message. */
  | { readonly kind: "answer"; readonly id: string; readonly clients: readonly ConnectedUser[] }
  /** Commands of a client. */
  | {
    readonly kind: "execute";
    readonly id: string;
    readonly client: ClientInfo;
    readonly payload: Uint8Array;
  };

/** A message between nodes about accounts. */
export type SecurityMessage = FromOwner | FromFollower;

/** Passes a message to another node. If that one does not run, the sender is told so. */
export type PostSecurity = (to: number, message: SecurityMessage) => void;
