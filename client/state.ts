/** Where a client is in its life. */
export type ClientState =
  /** It dials and introduces itself, for the first time or the nth since a connection was lost. */
  | { readonly kind: "connecting"; readonly attempt: number }
  /** The server has let it in; `sessionPresent` tells whether the server knew the session. */
  | { readonly kind: "connected"; readonly sessionPresent: boolean }
  /** The connection is lost, or an attempt has failed; the next one starts after `delayMs`. */
  | { readonly kind: "waiting"; readonly delayMs: number; readonly error: Error }
  /** It is over; `error` is `null` if the program wanted it so. */
  | { readonly kind: "closed"; readonly error: Error | null };
