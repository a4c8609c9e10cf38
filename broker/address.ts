/**
 * Whom an address stands for.
 *
 * @module
 */

/** Levels of an IPv6 address that stand for one customer: a /64. */
const NETWORK_WORDS = 4;
const WORDS = 8;

/**
 * The key under which an address is counted: an IPv4 address without its port, the first 64 bits
 * of an IPv6 address, since whoever has one of those has them all.
 *
 * @param address As in `PeerInfo`: with a port, or without.
 * @returns `null` for whoever is not counted: this machine itself, a unix socket, whatever is no
 * address.
 */
export function addressKey(address: string): string | null {
  const host = hostOf(address);
  if (isIPv4(host)) return host.startsWith("127.") ? null : host;
  const words = ipv6Words(host);
  if (words === null) return null;
  const mapped = mappedIPv4(words);
  if (mapped !== null) return mapped.startsWith("127.") ? null : mapped;
  const isLoopback = words.every((word, index) => word === (index === WORDS - 1 ? 1 : 0));
  if (isLoopback) return null;
  return `${words.slice(0, NETWORK_WORDS).map((word) => word.toString(16)).join(":")}::/64`;
}

/** An address without its port and brackets, as it is written down for others to read. */
export function hostOf(address: string): string {
  if (address.startsWith("[")) return address.slice(1).split("]", 1)[0]!;
  const colon = address.indexOf(":");
  // A second colon makes it an IPv6 address without a port.
  return colon < 0 || address.includes(":", colon + 1) ? address : address.slice(0, colon);
}

function isIPv4(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

/** The eight words of an IPv6 address, or `null`. */
function ipv6Words(host: string): number[] | null {
  const [plain = ""] = host.split("%", 1);
  if (!plain.includes(":")) return null;
  const halves = plain.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = [wordsOf(halves[0]!), wordsOf(halves[1] ?? "")];
  if (head === null || tail === null) return null;
  const missing = WORDS - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

function wordsOf(text: string): number[] | null {
  if (text === "") return [];
  const words: number[] = [];
  for (const part of text.split(":")) {
    if (isIPv4(part)) {
      const [a, b, c, d] = part.split(".").map(Number);
      words.push(a! << 8 | b!, c! << 8 | d!);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) words.push(parseInt(part, 16));
    else return null;
  }
  return words;
}

/** The IPv4 address in `::ffff:192.0.2.1`, or `null`. */
function mappedIPv4(words: readonly number[]): string | null {
  const isMapped = words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0);
  if (!isMapped) return null;
  const [high, low] = [words[6]!, words[7]!];
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}
