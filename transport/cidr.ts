/** IP addresses, and blocks of them. */

const DOT = 0x2e;
const ZERO = 0x30;

/**
 * Reads an IP address.
 *
 * @returns 4 or 16 bytes. An IPv4 address in IPv6 form has 4. `null` if it is not an address.
 */
export function parseAddress(text: string): Uint8Array | null {
  if (!text.includes(":")) return parseIpv4(text);
  const bytes = parseIpv6(text);
  if (bytes === null) return null;
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.subarray(12) : bytes;
}

/** Each connection has an address to be read, so this makes neither texts nor lists. */
function parseIpv4(text: string): Uint8Array | null {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let i = 0; i < 4; i++) {
    if (i > 0 && text.charCodeAt(at++) !== DOT) return null;
    const start = at;
    let number = 0;
    for (let digit = digitAt(text, at); digit >= 0 && at < start + 3; digit = digitAt(text, ++at)) {
      number = number * 10 + digit;
    }
    const isPadded = at - start > 1 && digitAt(text, start) === 0;
    if (at === start || isPadded || number > 255) return null;
    bytes[i] = number;
  }
  return at === text.length ? bytes : null;
}

/** The digit at an index of a text; -1 if there is none. */
function digitAt(text: string, index: number): number {
  const digit = text.charCodeAt(index) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map(parseGroups);
  if (!head || tail === null) return null;
  if (tail === undefined) return head.length === 16 ? Uint8Array.from(head) : null;
  // Two colons stand for at least one group.
  if (head.length + tail.length > 14) return null;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** The bytes of groups between colons. The last group may be an IPv4 address. */
function parseGroups(text: string): number[] | null {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const number = parseInt(group, 16);
      bytes.push(number >> 8, number & 0xff);
      continue;
    }
    const ipv4 = index === groups.length - 1 ? parseIpv4(group) : null;
    if (ipv4 === null) return null;
    bytes.push(...ipv4);
  }
  return bytes;
}

/** The IP address in `1.2.3.4:567`, `[::1]:567`, `1.2.3.4` or `::1`, as text. */
export function hostOf(address: string): string {
  if (address.startsWith("[")) return address.slice(1, address.indexOf("]"));
  const colon = address.indexOf(":");
  return colon >= 0 && colon === address.lastIndexOf(":") ? address.slice(0, colon) : address;
}

/** Blocks of addresses, such as `10.0.0.0/8`, `2001:db8::/32` or `127.0.0.1`. */
export class AddressList {
  readonly #blocks: { readonly bytes: Uint8Array; readonly bits: number }[];

  /**
   * Reads the blocks.
   *
   * @throws {TypeError} If one is not valid.
   */
  constructor(blocks: readonly string[]) {
    this.#blocks = blocks.map((block) => {
      const [address, length, ...rest] = block.split("/");
      const bytes = parseAddress(address!);
      const isWhole = length === undefined || /^\d{1,3}$/.test(length);
      // In an IPv4 address in IPv6 form, the prefix length counts from the IPv6 start.
      const offset = bytes?.length === 4 && address!.includes(":") ? 96 : 0;
      const bits = length === undefined ? (bytes?.length ?? 0) * 8 : Number(length) - offset;
      if (bytes === null || !isWhole || rest.length > 0 || bits < 0 || bits > bytes.length * 8) {
        throw new TypeError(
          `Cannot read "${block}": it is no block of addresses such as 10.0.0.0/8 or 2001:db8::/32`,
        );
      }
      return { bytes, bits };
    });
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** Whether an address is in one of the blocks. Text that is not an IP address is in none. */
  has(address: string): boolean {
    if (this.isEmpty) return false;
    const bytes = parseAddress(address);
    return bytes !== null && this.#blocks.some((block) => contains(block, bytes));
  }
}

function contains(block: { bytes: Uint8Array; bits: number }, address: Uint8Array): boolean {
  if (block.bytes.length !== address.length) return false;
  for (let at = 0, bits = block.bits; bits > 0; at++, bits -= 8) {
    const mask = bits >= 8 ? 0xff : 0xff << (8 - bits) & 0xff;
    if ((block.bytes[at]! & mask) !== (address[at]! & mask)) return false;
  }
  return true;
}
