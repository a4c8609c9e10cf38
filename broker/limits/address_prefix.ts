/**
 * The part of an address for which connections are counted.
 *
 * @module
 */
import { hostOf, parseAddress } from "../../transport/cidr.ts";

/** The bytes of an IPv6 address that identify one customer: a /64. */
const NETWORK_BYTES = 8;

/**
 * The key for counting an address: an IPv4 address without its port, or the first 64 bits of an
 * IPv6 address, because one customer has all addresses of a /64.
 *
 * @param address As in `PeerInfo`: with a port, or without.
 * @returns `null` if it is not counted: this machine itself, a Unix socket, or no address.
 */
export function addressKey(address: string): string | null {
  const host = hostOf(address);
  // The zone names the interface of this machine. It is not part of the address.
  const zone = host.indexOf("%");
  const bytes = parseAddress(zone < 0 ? host : host.slice(0, zone));
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
