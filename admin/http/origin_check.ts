/**
 * Checks the origin of a request: a web page must not reach the admin listener by a host name of
 * its own (DNS rebinding), and must not make a browser send requests of its user (CSRF).
 *
 * @module
 */
import { RequestError } from "./request_error.ts";

/**
 * Checks the Host header. Allowed are addresses, because no name is involved, `localhost`, the name
 * that the listener is bound to, and names that the operator has added.
 *
 * @throws {RequestError} 421 if the name is another.
 */
export function checkHost(headers: Headers, names: readonly string[]): void {
  const host = headers.get("host") ?? "";
  const name = URL.parse(`http://${host}/`)?.hostname ?? "";
  const isAddress = /^\d+\.\d+\.\d+\.\d+$/.test(name) || /^\[[\da-f:.]+\]$/.test(name);
  if (isAddress || name === "localhost" || names.includes(name)) return;
  throw new RequestError(
    421,
    `Not known here by the name "${name.slice(0, 100)}": use the address, or fairway_admin_host`,
  );
}

/**
 * Checks that a request of a web page comes from a page of this listener.
 *
 * @throws {RequestError} 403 if it does not.
 */
export function checkOrigin(headers: Headers): void {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  const isOther = site !== null && site !== "same-origin" && site !== "none";
  if (origin === null && !isOther) return;
  const host = headers.get("host") ?? "";
  const isSame = origin === null ? false : URL.parse(origin)?.host === host.toLowerCase();
  if (isSame && !isOther) return;
  throw new RequestError(403, "Not for web pages of another origin");
}
