/**
 * PINGREQ and PINGRESP (§3.12, §3.13), which show that both sides are alive.
 *
 * @module
 */
import { MalformedPacketError } from "./errors.ts";
import { expectFlags, writeFixedHeader } from "./fixed_header.ts";
import { PacketType } from "./protocol.ts";

/** A client asks whether the server is alive. */
export interface PingreqPacket {
  /** Which packet this is. */
  type: "pingreq";
}

/** The server's answer to a PINGREQ. */
export interface PingrespPacket {
  /** Which packet this is. */
  type: "pingresp";
}

/**
 * Decodes a PINGREQ, which has no body.
 *
 * @throws {MalformedPacketError} If it has one, or flags are set.
 */
export function decodePingreq(first: number, body: Uint8Array): PingreqPacket {
  expectNothing(first, body);
  return { type: "pingreq" };
}

/**
 * Decodes a PINGRESP, which has no body.
 *
 * @throws {MalformedPacketError} If it has one, or flags are set.
 */
export function decodePingresp(first: number, body: Uint8Array): PingrespPacket {
  expectNothing(first, body);
  return { type: "pingresp" };
}

function expectNothing(first: number, body: Uint8Array): void {
  expectFlags(first, 0, "MQTT-2.1.3-1");
  if (body.length > 0) {
    throw new MalformedPacketError(`The packet has ${body.length} bytes too many`, 0, "§2.1.4");
  }
}

/** Counts the bytes of the whole packet. */
export function pingSize(): number {
  return 2;
}

/** Writes the whole packet; returns the offset after it. Throws before the first byte. */
export function writePing(
  packet: PingreqPacket | PingrespPacket,
  target: Uint8Array,
  offset: number,
): number {
  return writeFixedHeader(PacketType[packet.type] << 4, 0, target, offset);
}
