/** Lists of revoked certificates. */
import { verify, X509Certificate } from "node:crypto";
import { certificateFields } from "./certificate.ts";
import { DerReader, oidText, pemBlocks, Tag, timeOf } from "./der.ts";

/** Why a certificate is refused because of the lists of revoked certificates. */
export type RevocationFault =
  /** It was revoked. */
  | "revoked"
  /** There is no list of its issuer, so its state is not known. */
  | "no-list"
  /** The list of its issuer is outdated, so its state is not known. */
  | "list-expired";

/** The digest of each signature algorithm, by its object identifier; Ed25519 has none. */
const DIGESTS: ReadonlyMap<string, string | null> = new Map([
  ["1.2.840.113549.1.1.5", "sha1"],
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
  ["1.3.101.112", null],
]);
/** Critical extensions of a list. These two mean that the list is not complete. */
const PARTIAL = new Map([["2.5.29.27", "delta"], ["2.5.29.28", "partial"]]);
const EXTENSIONS = 0xa0;

interface List {
  readonly issuer: string;
  /** In milliseconds since 1970; infinite if the list does not expire. */
  readonly expiresMs: number;
  /** Serial numbers in hex digits. */
  readonly revoked: ReadonlySet<string>;
}

/**
 * Lists of revoked certificates (RFC 5280 §5). The runtime does not check them itself. A
 * certificate is accepted only if there is a current list of its issuer that does not name it.
 */
export class RevocationLists {
  readonly #lists: ReadonlyMap<string, List>;
  readonly #nowMs: () => number;

  /**
   * Reads lists and checks that the authorities have signed them.
   *
   * @param pem The lists, in PEM.
   * @param authorities Their certificates, in DER.
   * @throws {TypeError} If a list is not valid, or no known authority has signed it.
   */
  constructor(
    pem: string,
    authorities: readonly Uint8Array<ArrayBuffer>[],
    nowMs: () => number = Date.now,
  ) {
    const lists = pemBlocks(pem, "X509 CRL").map((der) => readList(der, authorities));
    if (lists.length === 0) {
      throw new TypeError(
        "Cannot use the list of revoked certificates: it holds no X509 CRL in PEM",
      );
    }
    this.#lists = new Map(lists.map((list) => [list.issuer, list]));
    this.#nowMs = nowMs;
  }

  /** What is wrong with a certificate given in DER; `null` for nothing. */
  faultOf(certificate: Uint8Array<ArrayBuffer>): RevocationFault | null {
    const { issuer, serial } = certificateFields(certificate);
    const list = this.#lists.get(issuer.toHex());
    if (list === undefined) return "no-list";
    if (list.revoked.has(serial.toHex())) return "revoked";
    return list.expiresMs < this.#nowMs() ? "list-expired" : null;
  }
}

function readList(
  der: Uint8Array<ArrayBuffer>,
  authorities: readonly Uint8Array<ArrayBuffer>[],
): List {
  try {
    const outer = new DerReader(der).enter(Tag.sequence);
    const signed = outer.next(Tag.sequence);
    const algorithm = oidText(outer.enter(Tag.sequence).next(Tag.oid).content);
    const signature = outer.next(Tag.bitString).content.subarray(1);
    const body = new DerReader(signed.content);
    body.optional(Tag.integer);
    body.next(Tag.sequence);
    const issuer = body.next(Tag.sequence).bytes.toHex();
    body.next();
    const isTime = body.tag === Tag.utcTime || body.tag === Tag.generalizedTime;
    const expiresMs = isTime ? timeOf(body.next()) : Infinity;
    const revoked = new Set<string>();
    for (
      const entry of new DerReader(body.optional(Tag.sequence)?.content ?? new Uint8Array()).rest()
    ) {
      revoked.add(new DerReader(entry.content).next(Tag.integer).content.toHex());
    }
    checkWhole(body);
    checkSignature(authorities, issuer, algorithm, signed.bytes, signature);
    return { issuer, expiresMs, revoked };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot use the list of revoked certificates: ${why}`, { cause });
  }
}

/** Refuses a partial list, because another part may revoke more certificates. */
function checkWhole(body: DerReader): void {
  const extensions = body.optional(EXTENSIONS);
  if (extensions === null) return;
  for (const { content } of new DerReader(extensions.content).enter(Tag.sequence).rest()) {
    const kind = PARTIAL.get(oidText(new DerReader(content).next(Tag.oid).content));
    if (kind !== undefined) throw new TypeError(`it is a ${kind} one, and whole ones are needed`);
  }
}

function checkSignature(
  authorities: readonly Uint8Array<ArrayBuffer>[],
  issuer: string,
  algorithm: string,
  signed: Uint8Array,
  signature: Uint8Array,
): void {
  const digest = DIGESTS.get(algorithm);
  if (digest === undefined) throw new TypeError(`it is signed in a way not known: ${algorithm}`);
  const isIssuer = (der: Uint8Array<ArrayBuffer>) =>
    certificateFields(der).subject.toHex() === issuer;
  const issuers = authorities.filter(isIssuer);
  if (issuers.length === 0) throw new TypeError("its issuer is none of the authorities");
  const isSigned = issuers.some((der) => {
    return verify(digest, signed, new X509Certificate(der).publicKey, signature);
  });
  if (!isSigned) throw new TypeError("its signature is not that of its issuer");
}
