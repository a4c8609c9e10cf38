/** Encodes PUBLISH packets for one connection. */
import {
  barePublishSize,
  forwardedSize,
  ForwardOptions,
  type ProtocolVersion,
  type QoS,
  writeBareHead,
  writeBarePublish,
  writeForwarded,
  writeForwardedHead,
} from "../../codec/mod.ts";
import type { ByteLog } from "../../log/byte_log.ts";
import type { Variant } from "../../router/variant.ts";
import type { Clock } from "../base/clock.ts";
import type { Message } from "../base/message.ts";
import type { DropReason } from "../base/stats.ts";
import type { OutboundAliases } from "./outbound_aliases.ts";
import type { Outbox } from "./outbox.ts";

/** Topics shorter than this, in bytes, need no alias. */
const ALIAS_TOPIC_BYTES_MIN = 6;

/** Shared by all senders: it is filled and used within one call. */
const how = new ForwardOptions();

/** Whether the RETAIN flag is set [MQTT-3.3.1-8] [MQTT-3.3.1-12] [MQTT-3.3.1-13]. */
function retainFlag(message: Message, variant: Variant): boolean {
  return variant.retained || (variant.retainAsPublished && message.retain);
}

/** Sends messages to one connection. */
export interface MessageSender {
  /** Why the last message was not sent, if it was not. */
  readonly whyUnsent: DropReason;
  /**
   * Appends a PUBLISH for the client to its outbox.
   *
   * @param packetId Ignored with QoS 0.
   * @param dup Whether it is a retransmission.
   * @param isSure Whether it must not be skipped when the client lags: by default QoS 1 and 2.
   * @returns False if nothing is sent, see {@linkcode whyUnsent}.
   */
  send(
    message: Message,
    variant: Variant,
    qos: QoS,
    packetId: number,
    dup: boolean,
    isSure?: boolean,
  ): boolean;
  /** Whether frames with this QoS may be written to the outbox as they are, without {@linkcode send}. */
  isPlain(qos: QoS): boolean;
  /** The client is gone: releases the memory that is kept for it. */
  release(): void;
}

/** Encodes messages for one connection. */
export class PublishSender implements MessageSender {
  /** Nothing else keeps a message from the client. */
  readonly whyUnsent: DropReason = "too-large";
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #version: ProtocolVersion;
  readonly #packetBytesMax: number;
  readonly #aliases: OutboundAliases | null;
  readonly #topicSkip: number;

  /**
   * @param packetBytesMax The largest packet the client takes [MQTT-3.1.2-24].
   * @param aliases The aliases that it is given; `null` if it takes none [MQTT-3.1.2-26].
   * @param topicSkip Bytes that are taken off each topic, all of which have more.
   */
  constructor(
    outbox: Outbox,
    clock: Clock,
    version: ProtocolVersion,
    packetBytesMax: number,
    aliases: OutboundAliases | null,
    topicSkip: number,
  ) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#version = version;
    this.#packetBytesMax = packetBytesMax;
    this.#aliases = aliases;
    this.#topicSkip = topicSkip;
  }

  /**
   * Appends a PUBLISH for the client to its outbox.
   *
   * @param packetId Ignored with QoS 0.
   * @param dup Whether it is a retransmission.
   * @param isSure Whether it must not be skipped when the client lags.
   * @returns False if it exceeds the client's Maximum Packet Size. Then nothing is sent.
   */
  send(
    message: Message,
    variant: Variant,
    qos: QoS,
    packetId: number,
    dup: boolean,
    isSure: boolean = qos > 0,
  ): boolean {
    if (this.#version < 5 || this.#isBare(message, variant)) {
      const flags = (dup && qos > 0 ? 0x08 : 0) | qos << 1 | (retainFlag(message, variant) ? 1 : 0);
      return this.#sendBare(message, flags, packetId, isSure);
    }
    return this.#sendWithProperties(message, variant, qos, packetId, dup, isSure);
  }

  isPlain(qos: QoS): boolean {
    return this.#topicSkip === 0 && (qos === 0 || this.#aliases === null);
  }

  /** Whether the client gets no properties with a message of 5.0. */
  #isBare(message: Message, variant: Variant): boolean {
    return this.#aliases === null && variant.identifiers === null && message.expirySeconds < 0 &&
      message.propertiesStart === message.propertiesEnd;
  }

  #sendBare(message: Message, flags: number, packetId: number, isSure: boolean): boolean {
    const version = this.#version;
    const topicSkip = this.#topicSkip;
    const qos = (flags >> 1 & 3) as QoS;
    const size = barePublishSize(message, version, qos, topicSkip);
    if (size > this.#packetBytesMax) return false;
    const outbox = this.#outbox;
    if (message.isShared) {
      const payload = sharedPayload(message);
      const head = size - payload.length;
      const offset = outbox.reserve(head, isSure);
      writeBareHead(message, version, flags, packetId, topicSkip, outbox.buffer, offset);
      outbox.commitSplit(head, payload);
      return true;
    }
    const offset = outbox.reserve(size, isSure);
    writeBarePublish(message, version, flags, packetId, topicSkip, outbox.buffer, offset);
    outbox.commit(size);
    return true;
  }

  #sendWithProperties(
    message: Message,
    variant: Variant,
    qos: QoS,
    packetId: number,
    dup: boolean,
    isSure: boolean,
  ): boolean {
    how.version = this.#version;
    how.qos = qos;
    how.retain = retainFlag(message, variant);
    how.dup = dup;
    how.packetId = packetId;
    how.identifiers = variant.identifiers;
    how.expirySeconds = message.expirySeconds < 0 ? -1 : message.secondsLeft(this.#clock.now());
    // A QoS 0 frame may be skipped, so it must not define an alias.
    how.topicAlias = 0;
    const known = qos > 0 && this.#aliases !== null && this.#alias(this.#aliases, message);
    how.omitTopic = known;
    how.topicSkip = this.#topicSkip;
    let size = forwardedSize(message, how);
    if (size > this.#packetBytesMax && how.topicAlias > 0 && !known) {
      // A new alias takes room in the packet. Without it the message may fit.
      this.#aliases!.takeBack(message.name);
      how.topicAlias = 0;
      size = forwardedSize(message, how);
    }
    if (size > this.#packetBytesMax) return false;
    const outbox = this.#outbox;
    if (message.isShared) {
      const payload = sharedPayload(message);
      const offset = outbox.reserve(size - payload.length, isSure);
      writeForwardedHead(message, how, outbox.buffer, offset);
      outbox.commitSplit(size - payload.length, payload);
      return true;
    }
    const offset = outbox.reserve(size, isSure);
    writeForwarded(message, how, outbox.buffer, offset);
    outbox.commit(size);
    return true;
  }

  /** The client is gone: releases its aliases. */
  release(): void {
    this.#aliases?.release();
  }

  /** Chooses the alias; returns whether the client knows it already. */
  #alias(aliases: OutboundAliases, message: Message): boolean {
    if (message.topic.length - this.#topicSkip < ALIAS_TOPIC_BYTES_MIN) return false;
    const known = aliases.get(message.name);
    how.topicAlias = known ?? aliases.add(message.name);
    return known !== undefined;
  }
}

/**
 * Appends a QoS 0 PUBLISH that was just received to a log that several connections share.
 *
 * @returns False if it exceeds their Maximum Packet Size. Then nothing is appended.
 */
export function sendToLog(
  log: ByteLog,
  message: Message,
  variant: Variant,
  version: ProtocolVersion,
  packetBytesMax: number,
): boolean {
  how.version = version;
  how.qos = 0;
  how.retain = retainFlag(message, variant);
  how.dup = how.omitTopic = false;
  how.packetId = how.topicAlias = how.topicSkip = 0;
  how.identifiers = variant.identifiers;
  how.expirySeconds = message.expirySeconds;
  const size = forwardedSize(message, how);
  if (size > packetBytesMax) return false;
  if (message.isShared) {
    const payload = sharedPayload(message);
    const offset = log.reserve(size - payload.length);
    writeForwardedHead(message, how, log.buffer, offset);
    log.commitSplit(size - payload.length, payload);
    return true;
  }
  const offset = log.reserve(size);
  writeForwarded(message, how, log.buffer, offset);
  log.commit(size, 1);
  return true;
}

/** The payload of a message that is kept: it does not change any more. */
function sharedPayload(message: Message): Uint8Array<ArrayBuffer> {
  return message.keep().payload as Uint8Array<ArrayBuffer>;
}
