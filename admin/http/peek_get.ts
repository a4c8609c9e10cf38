/**
 * Looks at the first bytes of a connection without taking them: whether it asks for a WebSocket.
 *
 * @module
 */
import type { Transport } from "../../transport/transport.ts";
import { unread } from "../../transport/unread_transport.ts";

/** The most bytes of a method and a path that are looked for. */
const PATH_BYTES_MAX = 64;

/**
 * Whether the first request is a GET of a path, with a query or without. It reads no further than it
 * must to know.
 *
 * @returns The transport to use from now on: it gives the bytes that were read, first.
 */
export async function peekGet(
  transport: Transport,
  path: string,
): Promise<{ isGet: boolean; transport: Transport }> {
  const wanted = new TextEncoder().encode(`GET ${path}`);
  const first = new Uint8Array(PATH_BYTES_MAX);
  let filled = 0;
  let isGet = true;
  while (isGet && filled <= wanted.length) {
    const count = await transport.read(first.subarray(filled));
    filled += count ?? 0;
    const both = Math.min(filled, wanted.length);
    isGet = count !== null && wanted.subarray(0, both).every((byte, at) => byte === first[at]);
  }
  const next = String.fromCharCode(first[wanted.length]!);
  isGet &&= next === " " || next === "?";
  return { isGet, transport: unread(transport, first.subarray(0, filled)) };
}
