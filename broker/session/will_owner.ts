import type { Will } from "../../codec/mod.ts";
import type { Deadline } from "../base/scheduler.ts";

/** Whose will is kept: a session, or what is left of one whose will is not published yet. */
export interface WillOwner {
  readonly clientId: string;
  /** The user name of the client; `null` for none, or if unknown. */
  readonly username: string | null;
  /** What is published when the client is lost, or `null`. */
  readonly will: Will | null;
  /** Where the will is stored, if it was; 0 if not. */
  willId: number;
  /** When the will is due; `null` if it never was delayed. */
  readonly willDeadline: Deadline | null;
}
