/** The packets between a client that reads a stream and the node that has it. */
import { encodePacket } from "../../codec/mod.ts";
import type { Outbox } from "../delivery/outbox.ts";
import type { ClientLink } from "../session/client_link.ts";

/** A Session Expiry Interval that never ends: the node of the client ends the session. */
const NEVER_EXPIRES = 0xffff_ffff;
/** Larger packets are not copied to the buffer of the outbox, in bytes. */
const COPIED_BYTES_MAX = 8 * 1024;

/**
 * The CONNECT for a client: as that of the client itself, so that packets of both sides are the
 * same.
 *
 * @param isLasting Whether the session outlives the connection.
 * @param receiveMaximum How many unacknowledged messages the client takes.
 */
export function connectOf(
  { version, wire, wantsReasons }: ClientLink,
  isLasting: boolean,
  receiveMaximum: number,
): Uint8Array {
  const properties = version < 5 ? {} : {
    sessionExpiryInterval: isLasting ? NEVER_EXPIRES : 0,
    receiveMaximum: Math.min(65_535, receiveMaximum),
    maximumPacketSize: wire.packetBytesMax,
    ...(wantsReasons ? {} : { requestProblemInformation: false }),
  };
  return encodePacket({
    type: "connect",
    protocolVersion: version,
    // A session that begins anew is asked for apart from this.
    cleanStart: version < 5 && !isLasting,
    keepAlive: 0,
    clientId: "reader",
    properties,
    will: null,
    username: null,
    password: null,
  }, version);
}

/** A PUBACK, PUBREC or PUBCOMP. */
export function writeAnswer(type: number, packetId: number, reasonCode: number): Uint8Array {
  const bytes = [type << 4, 2, packetId >> 8, packetId & 0xff];
  if (reasonCode === 0) return Uint8Array.from(bytes);
  bytes[1] = 3;
  return Uint8Array.from([...bytes, reasonCode]);
}

/** A number of two bytes, such as a packet identifier. */
export function numberAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}

/** Where a packet is in a buffer. */
export interface FramePlace {
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
}

/** Sends a PUBLISH as it is. It is not skipped, however far the client lags. */
export function sendFrame(
  outbox: Outbox,
  buffer: Uint8Array<ArrayBuffer>,
  { start, bodyStart, end }: FramePlace,
): void {
  const size = end - start;
  const copied = size <= COPIED_BYTES_MAX ? size : bodyStart - start;
  const offset = outbox.reserve(copied, true);
  outbox.buffer.set(buffer.subarray(start, start + copied), offset);
  if (copied === size) outbox.commit(size);
  else outbox.commitSplit(copied, buffer.slice(bodyStart, end));
}
