/** An error that becomes the answer to a request, with its HTTP status. */

/** A request that is answered with an error. */
export class RequestError extends Error {
  override readonly name: string = "RequestError";
  /** The HTTP status: 400, 401, 403, 404, 409, 410, 413, 415, 421, 429, 501 or 503. */
  readonly status: number;
  /** The field or query parameter that is wrong, or `null`. */
  readonly field: string | null;
  /** Further headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  /** @param message The fault, and the correct form. */
  constructor(
    status: number,
    message: string,
    field: string | null = null,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.field = field;
    this.headers = headers;
  }
}
