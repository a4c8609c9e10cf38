/** Why native sockets cannot be used. */

/** Native sockets cannot be used here. The message says why, and what helps. */
export class NativeSocketsUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NativeSocketsUnavailableError";
  }
}
