/**
 * Makes responses: JSON, text, or errors.
 *
 * @module
 */
import { TooBusyError } from "../time_slices.ts";
import { RequestError } from "./request_error.ts";

const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** A JSON answer. */
export function json(value: unknown, status = 200): Response {
  return jsonText(JSON.stringify(value), status);
}

/** A JSON answer from a text. */
export function jsonText(text: string, status = 200): Response {
  const headers = { ...HEADERS, "content-type": "application/json" };
  return new Response(text, { status, headers });
}

/** A plain text. */
export function text(body: string, type = "text/plain; charset=utf-8"): Response {
  return new Response(body, { headers: { ...HEADERS, "content-type": type } });
}

/** A response with a stream as body. */
export function stream(body: ReadableStream<Uint8Array> | null, type: string): Response {
  return new Response(body, { headers: { ...HEADERS, "content-type": type } });
}

/** A response without content. */
export function noContent(): Response {
  return new Response(null, { status: 204, headers: HEADERS });
}

/** The answer to an error; `null` for an internal error, which must be reported. */
export function failure(error: unknown): Response | null {
  if (error instanceof TooBusyError) {
    return fault(429, error.message, null, { "retry-after": "1" });
  }
  if (!(error instanceof RequestError)) return null;
  return fault(error.status, error.message, error.field, error.headers);
}

/** `{"error": {"status", "message", "field"}}`. */
export function fault(
  status: number,
  message: string,
  field: string | null = null,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const error = { status, message, ...field === null ? {} : { field } };
  return new Response(JSON.stringify({ error }), {
    status,
    headers: { ...HEADERS, "content-type": "application/json", ...headers },
  });
}
