/** Dynamic security as the rules of listeners need it, wherever its commands are executed. */
import type { Authenticator } from "../authenticator.ts";
import type { Authorizer } from "../authorizer.ts";
import type { ControlTopic } from "../control_topic.ts";

/** The topic that takes commands. */
export const CONTROL_TOPIC = "$CONTROL/dynamic-security/v1";
/** The topic of the answers. */
export const RESPONSE_TOPIC = `${CONTROL_TOPIC}/response`;

/** Accounts, groups and roles that are in effect. */
export interface SecurityInEffect extends ControlTopic {
  /** Accepts clients that have an account. */
  readonly authenticator: Authenticator;
  /** An authorizer that allows what roles allow, and asks other rules where none does. */
  authorizer(others?: Authorizer | null): Authorizer;
  /** Stops executing commands. Call it before the broker is closed. */
  stop(): void;
  /** Waits for the command in progress, and releases everything. */
  close(): Promise<void>;
}
