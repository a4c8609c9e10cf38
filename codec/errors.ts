/**
 * What can be wrong with bytes from a peer. Everything the decoders throw is a
 * {@linkcode PacketError}; the encoders, whose caller is at fault when they
 * fail, throw the built-in `RangeError` and `TypeError` instead.
 *
 * @module
 */
import { answerVersionOf, type ProtocolVersion } from "./protocol.ts";
import { ReasonCode } from "./reason_code.ts";

/** A packet from a peer that breaks the protocol. */
export abstract class PacketError extends Error {
  /** The MQTT 5 reason code to close the connection with. */
  readonly reasonCode: number;
  /** Where in the body of the packet the fault is, in bytes. */
  readonly offset: number;
  /**
   * The rule that is broken, such as `MQTT-3.3.1-4` or `§2.1.4`. It is counted
   * as in MQTT 5.0, unless it is followed by the version.
   */
  readonly clause: string;

  /** Describes one fault: what is wrong, where, against which rule. */
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

  /** Describes a fault of form; the reason code is 0x81 unless told otherwise. */
  constructor(
    message: string,
    offset: number,
    clause: string,
    reasonCode: number = ReasonCode.MalformedPacket,
  ) {
    super(message, offset, clause, reasonCode);
  }
}

/** A packet that can be parsed but says something the protocol forbids. */
export class ProtocolError extends PacketError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ProtocolError";

  /** Describes a fault of content; the reason code is 0x82 unless told otherwise. */
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
 * A CONNECT in a protocol or a version that is not spoken here. A broker may
 * answer it, in the form the client is most likely to read, before it closes.
 */
export class UnsupportedVersionError extends ProtocolError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "UnsupportedVersionError";
  /** The protocol level the client asked for. */
  readonly level: number;
  /** The version in whose form an answer is most likely to be read. */
  readonly answerVersion: ProtocolVersion;

  /** Describes a protocol name or level that is not known. */
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
