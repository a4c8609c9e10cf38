/** Topics below `$CONTROL/` that take commands for the program. */
import type { ClientInfo } from "./authenticator.ts";

/**
 * A topic below `$CONTROL/` that takes commands: what clients publish to it is handed to the
 * program, and to no subscriber. The authorizer must allow it.
 */
export interface ControlTopic {
  /** The topic. */
  readonly topic: string;
  /**
   * Does what a message says. The client waits for it, and nobody else; then the message is
   * acknowledged. The payload belongs to this method.
   */
  handle(client: ClientInfo, payload: Uint8Array): Promise<void>;
}
