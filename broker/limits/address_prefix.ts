/**
 * Whom an address stands for.
 *
 * @module
 */
import { hostOf, parseAddress } from "../../transport/cidr.ts";

/** Bytes of an IPv6 address that stand for one customer: a /64. */
const NETWORK_BYTES = 8;

/**
 * The key under which an address is counted: an IPv4 address without its port, the first 64 bits
 * of an IPv6 address, since whoever has one of those has them all.
 *
 * @param address As in `PeerInfo`: with a port, or without.
 * @returns `null` for whoever is not counted: this machine itself, a unix socket, whatever is no
 * address.
 */
export function addressKey(address: string): string | null {
  // A zone says by which of its networks this machine reaches the address.
  const bytes = parseAddress(hostOf(address).split("%", 1)[0]!);
  if (bytes === null) return null;
  if (bytes.length === 4) return bytes[0] === 127 ? null : bytes.join(".");
  const isLoopback = bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
  if (isLoopback) return null;
  const words: string[] = [];
  for (let at = 0; at < NETWORK_BYTES; at += 2) {
    words.push((bytes[at]! << 8 | bytes[at + 1]!).toString(16));
  }
  return `${words.join(":")}::/64`;
}
