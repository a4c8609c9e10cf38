/**
 * Reads and writes the four messages of SCRAM (RFC 5802 §7). A message that is not exactly right is
 * read as `null`.
 *
 * @module
 */
import { fromBase64 } from "./base64.ts";
import { saslprep } from "./saslprep.ts";
import { SCRAM_KEY_BYTES } from "./salted_password.ts";

/** Bytes of a message from the peer. Past it: not read. */
export const SCRAM_MESSAGE_BYTES_MAX = 4096;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A nonce: printable ASCII without the comma. */
const NONCE = "[\\x21-\\x2b\\x2d-\\x7e]+";
/** Optional extensions, which may be ignored: any letter but the reserved `m`. */
const EXTENSIONS = "(?:,[A-Za-z]=[^,\\0]+)*";
const BASE64 = "[A-Za-z0-9+/]+={0,2}";

const CLIENT_FIRST_REGEXP = new RegExp(
  `^([ny],(?:a=([^,\\0]+))?,)(n=([^,\\0]+),r=(${NONCE})${EXTENSIONS})$`,
);
const SERVER_FIRST_REGEXP = new RegExp(
  `^r=(${NONCE}),s=(${BASE64}),i=([1-9][0-9]{0,9})${EXTENSIONS}$`,
);
const CLIENT_FINAL_REGEXP = new RegExp(`^(c=(${BASE64}),r=(${NONCE})${EXTENSIONS}),p=(${BASE64})$`);
const SERVER_FINAL_REGEXP = new RegExp(`^v=(${BASE64})${EXTENSIONS}$`);

/** The first message of a client. */
export interface ClientFirst {
  /** The part about channel binding: the client uses none. */
  readonly header: string;
  /** The message without the header. */
  readonly bare: string;
  readonly username: string;
  readonly nonce: string;
}

/** Reads `n,,n=user,r=nonce`. Channel binding and authorization identities are not supported. */
export function parseClientFirst(data: Uint8Array | null): ClientFirst | null {
  const match = CLIENT_FIRST_REGEXP.exec(textOf(data) ?? "");
  if (match === null) return null;
  const [, header, actsFor, bare, name, nonce] = match;
  const username = parseName(name!);
  if (username === null || username === "") return null;
  if (actsFor !== undefined && parseName(actsFor) !== username) return null;
  return { header: header!, bare: bare!, username, nonce: nonce! };
}

/** The first message of a server. */
export interface ServerFirst {
  readonly text: string;
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** Reads `r=nonce,s=salt,i=iterations`. */
export function parseServerFirst(data: Uint8Array | null): ServerFirst | null {
  const text = textOf(data);
  const match = SERVER_FIRST_REGEXP.exec(text ?? "");
  if (match === null) return null;
  const salt = fromBase64(match[2]!);
  if (salt === null) return null;
  return { text: text!, nonce: match[1]!, salt, iterations: Number(match[3]) };
}

/** The last message of a client. */
export interface ClientFinal {
  /** The message without the proof. */
  readonly bare: string;
  /** The header of the first message, in base64. */
  readonly binding: string;
  readonly nonce: string;
  readonly proof: Uint8Array;
}

/** Reads `c=binding,r=nonce,p=proof`. */
export function parseClientFinal(data: Uint8Array | null): ClientFinal | null {
  const match = CLIENT_FINAL_REGEXP.exec(textOf(data) ?? "");
  if (match === null) return null;
  const proof = fromBase64(match[4]!);
  if (proof === null || proof.length !== SCRAM_KEY_BYTES) return null;
  return { bare: match[1]!, binding: match[2]!, nonce: match[3]!, proof };
}

/** Reads `v=signature`. */
export function parseServerFinal(data: Uint8Array | null): Uint8Array | null {
  const match = SERVER_FINAL_REGEXP.exec(textOf(data) ?? "");
  return match === null ? null : fromBase64(match[1]!);
}

/** A user name as written in a message: `,` and `=` are escaped. */
export function formatName(username: string): string {
  return username.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

function parseName(text: string): string | null {
  if (/=(?!2C|3D)/.test(text)) return null;
  return saslprep(text.replaceAll("=2C", ",").replaceAll("=3D", "="));
}

function textOf(data: Uint8Array | null): string | null {
  if (data === null || data.length > SCRAM_MESSAGE_BYTES_MAX) return null;
  try {
    return decoder.decode(data);
  } catch {
    // It is not UTF-8.
    return null;
  }
}
