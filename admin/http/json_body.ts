/** Reads the JSON body of a request, up to a limit. */
import { RequestError } from "./request_error.ts";
import type { Values } from "./fields.ts";

/** Bytes of a request's body; past it: 413. */
const BODY_BYTES_MAX = 1024 * 1024;

/**
 * Reads the JSON object that a request brings; an empty one if it has no body.
 *
 * @throws {RequestError} 413 if it is too large, 415 if it is no JSON by its type, 400 if it is
 * none by its content.
 */
export async function readJsonBody(request: Request): Promise<Values> {
  const length = Number(request.headers.get("content-length") ?? 0);
  if (length > BODY_BYTES_MAX) throw tooLarge();
  const bytes = await readBytes(request);
  if (bytes.length === 0) return {};
  // A web page of another origin can send text and forms without a preflight request, but not JSON.
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new RequestError(415, "The body must be JSON, with Content-Type: application/json");
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new RequestError(400, "The body is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RequestError(400, "The body must be a JSON object");
  }
  return value as Values;
}

/**
 * Reads the body of a request.
 *
 * @throws {RequestError} 413 if it is too large.
 */
export async function readBytes({ body }: Request): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let filled = 0;
  for await (const part of body) {
    filled += part.length;
    if (filled > BODY_BYTES_MAX) throw tooLarge();
    parts.push(part);
  }
  const bytes = new Uint8Array(filled);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function tooLarge(): RequestError {
  return new RequestError(413, `The body is larger than ${BODY_BYTES_MAX} bytes`);
}
