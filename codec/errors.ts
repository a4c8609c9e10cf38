/**
 * The errors of packets from a peer. Every error of a decoder is a {@linkcode PacketError}. The
 * encoders throw `RangeError` and `TypeError` instead, because their errors are the caller's.
 *
 * @module
 */
import { answerVersionOf, type ProtocolVersion } from "./protocol.ts";
import { ReasonCode } from "./reason_code.ts";

/** A packet from a peer that breaks the protocol. */
export abstract class PacketError extends Error {
  /** The MQTT 5 Reason Code to close the connection with. */
  readonly reasonCode: number;
  /** The offset of the fault in the body of the packet, in bytes. */
  readonly offset: number;
  /**
   * The broken rule, such as `MQTT-3.3.1-4` or `§2.1.4`. It has the number of MQTT 5.0, unless a
   * version follows it.
   */
  readonly clause: string;

  /** Makes an error: what is wrong, where, and the rule. */
  constructor(message: string, offset: number, clause: string, reasonCode: number) {
    super(`${message} at byte ${offset} [${clause}]`);
    this.reasonCode = reasonCode;
    this.offset = offset;
    this.clause = clause;
  }
}

/** A packet that cannot be parsed. */
export class MalformedPacketError extends PacketError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "MalformedPacketError";

  /** Makes an error of form. Its Reason Code is 0x81 by default. */
  constructor(
    message: string,
    offset: number,
    clause: string,
    reasonCode: number = ReasonCode.MalformedPacket,
  ) {
    super(message, offset, clause, reasonCode);
  }
}

/** A packet that can be parsed, but has content that the protocol forbids. */
export class ProtocolError extends PacketError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ProtocolError";

  /** Makes an error of content. Its Reason Code is 0x82 by default. */
  constructor(
    message: string,
    offset: number,
    clause: string,
    reasonCode: number = ReasonCode.ProtocolError,
  ) {
    super(message, offset, clause, reasonCode);
  }
}

/**
 * A CONNECT of another protocol, or of a version that is not supported. A broker may answer it
 * before it closes, in the form that the client most likely understands.
 */
export class UnsupportedVersionError extends ProtocolError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "UnsupportedVersionError";
  /** The protocol level of the CONNECT. */
  readonly level: number;
  /** The version in which the client most likely understands an answer. */
  readonly answerVersion: ProtocolVersion;

  /** Makes an error for an unknown protocol name or level. */
  constructor(
    message: string,
    offset: number,
    clause: string,
    level: number,
    answerVersion: ProtocolVersion = answerVersionOf(level),
  ) {
    super(message, offset, clause, ReasonCode.UnsupportedProtocolVersion);
    this.level = level;
    this.answerVersion = answerVersion;
  }
}
