/**
 * Socket addresses in the form of the kernel: `struct sockaddr_in`, `sockaddr_in6` and
 * `sockaddr_un`.
 */
import { parseAddress } from "../cidr.ts";
import type { Endpoint } from "../tcp.ts";
import { Family } from "./libc.ts";

/** The size of the largest of them, in bytes. */
export const ADDRESS_BYTES_MAX = 110;

/** The longest path of a Unix socket, in bytes, without the zero at its end. */
const PATH_BYTES_MAX = 107;

const encoder = new TextEncoder();

/**
 * The address of an IP address and a port.
 *
 * @throws {TypeError} If it is not an IP address.
 */
export function inetAddress(hostname: string, port: number): Uint8Array<ArrayBuffer> {
  const isV6 = hostname.includes(":");
  const bytes = parseAddress(hostname);
  if (bytes === null) throw new TypeError(`Cannot listen on ${hostname}: it is no IP address`);
  const address = new Uint8Array(isV6 ? 28 : 16);
  const view = new DataView(address.buffer);
  // The family has the byte order of the machine, and the port that of the network.
  view.setUint16(0, isV6 ? Family.inet6 : Family.inet, true);
  view.setUint16(2, port);
  if (!isV6) address.set(bytes, 4);
  else if (bytes.length === 16) address.set(bytes, 8);
  else address.set([0xff, 0xff, ...bytes], 18);
  return address;
}

/**
 * The address of a Unix socket.
 *
 * @throws {TypeError} If the path is too long, or contains NUL.
 */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(path);
  if (bytes.length > PATH_BYTES_MAX || bytes.length === 0 || bytes.includes(0)) {
    throw new TypeError(
      `Cannot listen on ${path}: the path of a socket has 1 to ${PATH_BYTES_MAX} bytes, and no NUL`,
    );
  }
  const address = new Uint8Array(2 + bytes.length + 1);
  new DataView(address.buffer).setUint16(0, Family.unix, true);
  address.set(bytes, 2);
  return address;
}

/** Reads an address that the kernel has written. */
export function readInetAddress(address: Uint8Array<ArrayBuffer>): Endpoint {
  const port = address[2]! << 8 | address[3]!;
  if (address[0] === Family.inet) {
    return { hostname: `${address[4]}.${address[5]}.${address[6]}.${address[7]}`, port };
  }
  return { hostname: ipv6Text(address, 8), port };
}

/** An IPv6 address in its canonical form (RFC 5952); an IPv4 address in IPv6 form as `::ffff:…`. */
function ipv6Text(bytes: Uint8Array, start: number): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => bytes[start + 2 * i]! << 8 | bytes[start + 2 * i + 1]!,
  );
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(start + 12, start + 16).join(".")}`;
  }
  let [longest, at] = [1, -1];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > longest) [longest, at] = [end - i, i];
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (at < 0) return text(groups);
  return `${text(groups.slice(0, at))}::${text(groups.slice(at + longest))}`;
}
