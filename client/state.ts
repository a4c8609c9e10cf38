/** The states of a client, as a program sees them. */

/** The state of a client. */
export type ClientState =
  /**
   * It opens a connection. `attempt` counts from the first one, or from the loss of the last
   * connection.
   */
  | { readonly kind: "connecting"; readonly attempt: number }
  /** The server has accepted it. `sessionPresent` says whether the server had the session. */
  | { readonly kind: "connected"; readonly sessionPresent: boolean }
  /**
   * The connection was lost, or an attempt has failed. The next attempt starts after `delayMs`
   * milliseconds.
   */
  | { readonly kind: "waiting"; readonly delayMs: number; readonly error: Error }
  /** It has ended. `error` is `null` if the program has closed it. */
  | { readonly kind: "closed"; readonly error: Error | null };
