/**
 * The form of a fixture: bytes as text, and what becomes of them.
 *
 * @module
 */
import type { Packet, ProtocolVersion } from "../mod.ts";

/** Bytes that are a packet. */
export interface ValidFixture {
  /** What is special about it. */
  readonly name: string;
  /** The versions in which the bytes mean this. */
  readonly versions: readonly ProtocolVersion[];
  /** The whole packet; see {@linkcode bytesOf}. */
  readonly bytes: string;
  /** What it decodes to. */
  readonly packet: Packet;
  /** What that encodes to, where the sender was more verbose than need be. */
  readonly shortest?: string;
}

/** Bytes that are no packet. */
export interface InvalidFixture {
  /** What is wrong; the name of the test goes on with the clause. */
  readonly name: string;
  /** The versions in which it is wrong. */
  readonly versions: readonly ProtocolVersion[];
  /** The whole packet; see {@linkcode bytesOf}. */
  readonly bytes: string;
  /** The name of the class of the error. */
  readonly error: "MalformedPacketError" | "ProtocolError" | "UnsupportedVersionError";
  /** The reason code, where it is not the one the class has by default. */
  readonly reasonCode?: number;
  /** Where in the body. */
  readonly offset: number;
  /** Which rule is broken. */
  readonly clause: string;
}

/** The fixtures of one packet type. */
export interface Fixtures {
  /** The function under test. */
  readonly decoder: string;
  /** Bytes that are a packet. */
  readonly valid: readonly ValidFixture[];
  /** Bytes that are no packet. */
  readonly invalid: readonly InvalidFixture[];
}

/** Reads bytes from hexadecimal pairs and "quoted text"; `#` starts a comment. */
export function bytesOf(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const line of text.split("\n")) {
    for (const [, quoted, pair, comment] of line.matchAll(/"([^"]*)"|([0-9a-f]{2})\b|(#.*)|\S/g)) {
      if (comment !== undefined) break;
      if (quoted !== undefined) bytes.push(...new TextEncoder().encode(quoted));
      else if (pair !== undefined) bytes.push(parseInt(pair, 16));
      else throw new TypeError(`Cannot read fixture: ${line}`);
    }
  }
  return Uint8Array.from(bytes);
}
