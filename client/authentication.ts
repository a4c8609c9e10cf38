/** The interface of a method of enhanced authentication, on the client's side. */

/**
 * The client's side of an enhanced authentication (MQTT 5 §4.12), such as SCRAM. A program
 * implements it, or uses `scramSha256`.
 *
 * Each connection, and each `reauthenticate()`, begins a new exchange.
 */
export interface ClientAuthentication {
  /** The Authentication Method. */
  readonly method: string;
  /**
   * Begins an exchange. Returns the first Authentication Data for the server, or `null` for none.
   */
  begin(): Uint8Array | null | Promise<Uint8Array | null>;
  /**
   * Answers the server.
   *
   * @param data The server's Authentication Data, or `null`. The program may keep the bytes.
   * @throws Anything, to give up: the connection is closed.
   */
  next(data: Uint8Array | null): Uint8Array | null | Promise<Uint8Array | null>;
  /**
   * Checks the last data of the server, which come with its acceptance.
   *
   * @throws Anything, if the server has not proved who it is: the connection is closed.
   */
  finish?(data: Uint8Array | null): void | Promise<void>;
}
