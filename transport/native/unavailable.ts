/** Why native sockets cannot be used. */

/** Native sockets cannot be used here. The message is a line that says why, and what would be right. */
export class NativeSocketsUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NativeSocketsUnavailableError";
  }
}
