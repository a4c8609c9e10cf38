/** Reads DER, the encoding of certificates and revocation lists. */

/** An element of DER (X.690), the encoding of certificates and revocation lists. */
export interface DerElement {
  /** The identifier octet, such as 0x30 for a sequence. */
  readonly tag: number;
  /** The element without its tag and length. */
  readonly content: Uint8Array<ArrayBuffer>;
  /** The element as a whole. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The tags that are used here. */
export const Tag = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Reads elements one after the other. */
export class DerReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  /** The tag of the next element; 0 at the end. */
  get tag(): number {
    return this.#bytes[this.#at] ?? 0;
  }

  /**
   * The next element.
   *
   * @param tag The tag that it must have; any by default.
   * @throws {SyntaxError} If it has another tag, or there is no element.
   */
  next(tag: number = this.tag): DerElement {
    const start = this.#at;
    if (start >= this.#bytes.length || this.tag !== tag) {
      throw new SyntaxError(`DER has tag ${this.tag} at byte ${start} and not ${tag}`);
    }
    const first = this.#bytes[start + 1] ?? 0x80;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || lengthBytes > 4) {
      throw new SyntaxError(`DER has no length at byte ${start + 1}`);
    }
    let length = first < 0x80 ? first : 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (this.#bytes[start + 2 + i] ?? 0);
    const contentStart = start + 2 + lengthBytes;
    const end = contentStart + length;
    if (end > this.#bytes.length) throw new SyntaxError(`DER ends within an element of ${length}`);
    this.#at = end;
    return {
      tag,
      content: this.#bytes.subarray(contentStart, end),
      bytes: this.#bytes.subarray(start, end),
    };
  }

  /** Reads into the next element. */
  enter(tag: number): DerReader {
    return new DerReader(this.next(tag).content);
  }

  /** The next element if it has a tag; `null` if it has another, or there is none. */
  optional(tag: number): DerElement | null {
    return this.tag === tag ? this.next(tag) : null;
  }

  /** All the elements that are left. */
  *rest(): Generator<DerElement, void, undefined> {
    while (this.#at < this.#bytes.length) yield this.next();
  }
}

/** An object identifier as text, such as `2.5.4.3`. */
export function oidText(content: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (numbers.length === 0) {
      const first = Math.min(2, Math.floor(number / 40));
      numbers.push(first, number - 40 * first);
    } else numbers.push(number);
    number = 0;
  }
  return numbers.join(".");
}

/**
 * A time (RFC 5280 §4.1.2.5), in milliseconds since 1970.
 *
 * @throws {SyntaxError} If it is none.
 */
export function timeOf({ tag, content }: DerElement): number {
  const digits = String.fromCharCode(...content);
  const isShort = tag === Tag.utcTime;
  const pattern = isShort ? /^\d{12}Z$/ : /^\d{14}Z$/;
  if ((!isShort && tag !== Tag.generalizedTime) || !pattern.test(digits)) {
    throw new SyntaxError(`DER has no time where one must be: "${digits}"`);
  }
  const full = !isShort ? digits : `${Number(digits.slice(0, 2)) < 50 ? 20 : 19}${digits}`;
  const [year, month, ...rest] = [0, 4, 6, 8, 10, 12].map((at) =>
    Number(full.slice(at, at === 0 ? 4 : at + 2))
  );
  return Date.UTC(year!, month! - 1, ...rest);
}

/**
 * The contents of PEM blocks.
 *
 * @param label The label of the blocks, such as `CERTIFICATE`. Other blocks are ignored.
 */
export function pemBlocks(text: string, label: string): Uint8Array<ArrayBuffer>[] {
  const pattern = new RegExp(`-----BEGIN ${label}-----([^-]*)-----END ${label}-----`, "g");
  return [...text.matchAll(pattern)].map(([, base64]) => {
    return Uint8Array.fromBase64(base64!.replace(/\s+/g, ""));
  });
}
