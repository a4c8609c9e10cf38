/** Reads names and dates of X.509 certificates. */
import { type DerElement, DerReader, oidText, Tag } from "./der.ts";

/** Some fields of an X.509 certificate (RFC 5280 §4.1), in DER. */
export interface CertificateFields {
  /** The serial number, as the bytes of an integer. */
  readonly serial: Uint8Array<ArrayBuffer>;
  /** The name of the issuer. */
  readonly issuer: Uint8Array<ArrayBuffer>;
  /** The name of the subject. */
  readonly subject: Uint8Array<ArrayBuffer>;
}

/** Short names of attributes, as in RFC 2253 and OpenSSL. */
const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.4", "SN"],
  ["2.5.4.5", "serialNumber"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.9", "street"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.12", "title"],
  ["2.5.4.13", "description"],
  ["2.5.4.17", "postalCode"],
  ["2.5.4.42", "GN"],
  ["2.5.4.46", "dnQualifier"],
  ["2.5.4.65", "pseudonym"],
  ["0.9.2342.19200300.100.1.1", "UID"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["1.2.840.113549.1.9.1", "emailAddress"],
]);
const COMMON_NAME = "2.5.4.3";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder("latin1");
const utf16 = new TextDecoder("utf-16be", { fatal: true });
const encoder = new TextEncoder();

/** Decoders of the kinds of strings. A value of another kind is shown as bytes. */
const STRINGS: Readonly<Record<number, (bytes: Uint8Array) => string>> = {
  0x0c: (bytes) => utf8.decode(bytes),
  0x12: (bytes) => latin1.decode(bytes),
  0x13: (bytes) => latin1.decode(bytes),
  0x14: (bytes) => latin1.decode(bytes),
  0x16: (bytes) => latin1.decode(bytes),
  0x1a: (bytes) => latin1.decode(bytes),
  0x1e: (bytes) => utf16.decode(bytes),
};

interface Attribute {
  readonly oid: string;
  readonly value: DerElement;
}

/**
 * Reads a certificate.
 *
 * @throws {SyntaxError} If it is not a certificate.
 */
export function certificateFields(der: Uint8Array<ArrayBuffer>): CertificateFields {
  const body = new DerReader(der).enter(Tag.sequence).enter(Tag.sequence);
  body.optional(0xa0);
  const serial = body.next(Tag.integer).content;
  body.next(Tag.sequence);
  const issuer = body.next(Tag.sequence).bytes;
  body.next(Tag.sequence);
  const subject = body.next(Tag.sequence).bytes;
  return { serial, issuer, subject };
}

/**
 * Writes a name in the form of RFC 2253, the most specific part first: `CN=pump 7,O=Waterworks`.
 * Bytes outside of ASCII are written as `\C3\A9`, like OpenSSL.
 *
 * @throws {SyntaxError} If it is no name.
 */
export function nameText(name: Uint8Array<ArrayBuffer>): string {
  return attributes(name).reverse().map((part) => part.map(attributeText).join("+")).join(",");
}

/**
 * The first common name in a name.
 *
 * @returns `null` without one, or if it contains NUL, which a reader could take for its end.
 * @throws {SyntaxError} If it is no name.
 */
export function commonNameOf(name: Uint8Array<ArrayBuffer>): string | null {
  const found = attributes(name).flat().find(({ oid }) => oid === COMMON_NAME);
  const text = found === undefined ? null : stringOf(found.value);
  return text === null || text === "" || text.includes("\0") ? null : text;
}

/** Writes a common name as the only part of a subject. */
export function subjectOf(commonName: string): string {
  return `CN=${escaped(commonName)}`;
}

/** Reads a name: a sequence of parts. A part is a set of attributes, usually one. */
function attributes(name: Uint8Array<ArrayBuffer>): Attribute[][] {
  return [...new DerReader(name).enter(Tag.sequence).rest()].map(({ content }) => {
    return [...new DerReader(content).rest()].map((element) => {
      const reader = new DerReader(element.content);
      return { oid: oidText(reader.next(Tag.oid).content), value: reader.next() };
    });
  });
}

function attributeText({ oid, value }: Attribute): string {
  const name = ATTRIBUTES.get(oid);
  const text = name === undefined ? null : stringOf(value);
  if (text === null) return `${name ?? oid}=#${value.bytes.toHex().toUpperCase()}`;
  return `${name}=${escaped(text)}`;
}

function stringOf({ tag, content }: DerElement): string | null {
  try {
    return STRINGS[tag]?.(content) ?? null;
  } catch {
    // The value does not match its tag, so it is shown as bytes.
    return null;
  }
}

function escaped(text: string): string {
  const bytes = encoder.encode(text);
  let out = "";
  for (const [index, byte] of bytes.entries()) {
    const char = String.fromCharCode(byte);
    const isOuterSpace = char === " " && (index === 0 || index === bytes.length - 1);
    if (byte < 0x20 || byte >= 0x7f) out += `\\${byte.toString(16).padStart(2, "0").toUpperCase()}`;
    else if (',+"\\<>;'.includes(char) || isOuterSpace || (char === "#" && index === 0)) {
      out += `\\${char}`;
    } else out += char;
  }
  return out;
}
