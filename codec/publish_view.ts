/**
 * A PUBLISH to forward, as offsets into the received bytes. It makes no string, no object and no
 * copy.
 *
 * @module
 */
import { BodyReader } from "./body_reader.ts";
import { ProtocolError } from "./errors.ts";
import {
  checkResponseTopic,
  leaveOut,
  readNumber,
  readPropertyRow,
  repeated,
} from "./property_reader.ts";
import { CarrierBit, PropertyId, PropertyKind, type PropertyRow } from "./property_table.ts";
import type { ProtocolVersion, QoS } from "./protocol.ts";
import { readPublishQoS, topicMissing } from "./publish.ts";
import type { Tolerance } from "./tolerance.ts";

const PUBLISH = CarrierBit.publish;
const NO_BYTES = new Uint8Array(0);

/**
 * The last PUBLISH that was read from a client. A connection, or a whole broker, uses one object:
 * all fields describe `buffer` until the next `read`.
 */
export class PublishView {
  /** The bytes that the offsets refer to. Borrowed: valid until the caller reads again. */
  buffer: Uint8Array = NO_BYTES;
  /** The protocol version of the packet. */
  version: ProtocolVersion = 4;
  /** The QoS. */
  qos: QoS = 0;
  /** The RETAIN flag. */
  retain = false;
  /** The DUP flag. */
  dup = false;
  /** The first byte of the topic. */
  topicStart = 0;
  /** The end of the topic; equal to the start if there is only an alias. */
  topicEnd = 0;
  /** The packet identifier, 1 to 65_535, or 0 with QoS 0. */
  packetId = 0;
  /** The first byte of the properties, after their length. */
  propertiesStart = 0;
  /** The end of the properties; equal to the start if there are none. */
  propertiesEnd = 0;
  /** The first byte of the payload. */
  payloadStart = 0;
  /** The end of the payload and the packet. */
  end = 0;
  /** The Topic Alias; 0 for none. */
  topicAlias = 0;
  /** Whether the sender is a server, so that it may send a Subscription Identifier. */
  isFromServer = false;
  /** The Subscription Identifier; 0 for none. */
  subscriptionIdentifier = 0;
  /** The Message Expiry Interval in seconds; -1 for none. */
  messageExpiryInterval: number = -1;
  /** Whether the bytes of the properties can be sent to subscribers unchanged. */
  forwardable = true;
  /** 1 if the payload is declared to be UTF-8 text, else 0. */
  payloadFormatIndicator = 0;
  /** The start and end of each misplaced property that was tolerated; `null` if there are none. */
  strays: Map<number, number> | null = null;
  /** The faults to tolerate, or `null` for none. It applies when a PUBLISH is read. */
  tolerance: Tolerance | null = null;

  readonly #reader = new BodyReader();

  /**
   * Reads the PUBLISH whose body is `buffer[bodyStart, end)`. The topic is not checked here: the
   * router checks it, once for all messages to it.
   *
   * @param first The first byte of the fixed header.
   * @throws {MalformedPacketError} If the body, its flags or its properties are ill-formed. The
   * fields are then undefined.
   * @throws {ProtocolError} If a property has an invalid value, or only a server may send it, or
   * there is neither a topic nor an alias.
   */
  read(
    version: ProtocolVersion,
    first: number,
    buffer: Uint8Array,
    bodyStart: number,
    end: number,
  ): void {
    const reader = this.#reader;
    reader.reset(buffer, bodyStart, end);
    this.buffer = buffer;
    this.version = version;
    this.qos = readPublishQoS(first);
    this.retain = (first & 0x01) !== 0;
    this.dup = (first & 0x08) !== 0;
    const topicBytes = reader.uint16();
    this.topicStart = reader.take(topicBytes);
    this.topicEnd = this.topicStart + topicBytes;
    this.packetId = this.qos === 0 ? 0 : reader.packetId();
    this.topicAlias = 0;
    this.subscriptionIdentifier = 0;
    this.messageExpiryInterval = -1;
    this.forwardable = true;
    this.payloadFormatIndicator = 0;
    this.strays = null;
    const propertyBytes = version === 5 ? reader.varint() : 0;
    this.propertiesStart = reader.take(propertyBytes);
    this.propertiesEnd = this.propertiesStart + propertyBytes;
    this.payloadStart = this.propertiesEnd;
    this.end = end;
    if (propertyBytes > 0) this.#readProperties(reader);
    if (topicBytes === 0 && version === 5 && this.topicAlias === 0) throw topicMissing();
  }

  #readProperties(reader: BodyReader): void {
    reader.offset = this.propertiesStart;
    reader.end = this.propertiesEnd;
    reader.tolerance = this.tolerance;
    // All properties that are allowed here and must not repeat have identifiers below 64.
    let seenLow = 0;
    let seenHigh = 0;
    while (reader.offset < reader.end) {
      const start = reader.offset;
      const at = reader.position;
      const row = readPropertyRow(reader, PUBLISH);
      if (reader.tolerance !== null && isStray(row)) {
        leaveOut(reader, row);
        this.forwardable = false;
        (this.strays ??= new Map()).set(start, reader.offset);
        continue;
      }
      if (row.kind !== PropertyKind.pairs) {
        const bit = 1 << (row.id & 31);
        if (((row.id < 32 ? seenLow : seenHigh) & bit) !== 0) throw repeated(row, at);
        if (row.id < 32) seenLow |= bit;
        else seenHigh |= bit;
      }
      this.#readProperty(reader, row, at);
    }
  }

  #readProperty(reader: BodyReader, row: PropertyRow, at: number): void {
    switch (row.id) {
      case PropertyId.payloadFormatIndicator:
        this.payloadFormatIndicator = readNumber(reader, row);
        break;
      case PropertyId.messageExpiryInterval:
        this.messageExpiryInterval = readNumber(reader, row);
        this.forwardable = false;
        break;
      case PropertyId.topicAlias:
        this.topicAlias = readNumber(reader, row);
        this.forwardable = false;
        break;
      case PropertyId.subscriptionIdentifier: {
        if (this.isFromServer) {
          this.subscriptionIdentifier = readNumber(reader, row);
          this.forwardable = false;
          break;
        }
        const message = "Subscription identifier from a client";
        throw new ProtocolError(message, at, "MQTT-3.3.4-6");
      }
      default:
        skipValue(reader, row);
    }
  }
}

/** Whether a property is not allowed in the PUBLISH of a client [MQTT-3.3.4-6]. */
function isStray(row: PropertyRow): boolean {
  return (row.carriers & PUBLISH) === 0 || row.id === PropertyId.subscriptionIdentifier;
}

/** Skips a value that subscribers get unchanged. */
function skipValue(reader: BodyReader, row: PropertyRow): void {
  if (row.kind === PropertyKind.binary) {
    reader.take(reader.uint16());
    return;
  }
  const start = reader.offset + 2;
  reader.skipString();
  if (row.kind === PropertyKind.pairs) reader.skipString();
  else if (row.id === PropertyId.responseTopic) {
    checkResponseTopic(reader.bytes, start, reader.offset, reader.origin);
  }
}
