/**
 * The client's side of an enhanced authentication (MQTT 5 §4.12), such as
 * SCRAM: the program fills this in.
 *
 * Each connection, and each `reauthenticate()`, begins a new exchange.
 */
export interface ClientAuthentication {
  /** The Authentication Method, which both sides know. */
  readonly method: string;
  /** Begins an exchange: the first data for the server, or `null` for none. */
  begin(): Uint8Array | null | Promise<Uint8Array | null>;
  /**
   * Answers the server.
   *
   * @param data What it said, or `null`; the program's own.
   * @throws Anything, to give up: the connection is closed.
   */
  next(data: Uint8Array | null): Uint8Array | null | Promise<Uint8Array | null>;
  /**
   * Looks at what the server said last, with its consent.
   *
   * @throws Anything, if the server is not who it should be: the connection is closed.
   */
  finish?(data: Uint8Array | null): void | Promise<void>;
}
