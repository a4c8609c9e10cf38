/**
 * Messages in few words.
 *
 * @module
 */
import type { QoS } from "../../codec/mod.ts";
import type { Variant } from "../../router/variant.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";

/** What a test may want to be special about a message. */
export interface MessageOptions {
  qos?: QoS;
  retain?: boolean;
  /** Seconds from `receivedMs` on; never by default. */
  expirySeconds?: number;
  receivedMs?: number;
  /** Where it comes from; the program by default. */
  origin?: Origin;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message that borrows its bytes; QoS 1 unless told otherwise. */
export function message(name: string, payload: string, options: MessageOptions = {}): Message {
  const { qos = 1, retain = false, expirySeconds = -1, receivedMs = 0, origin = Origin.program } =
    options;
  const bytes = encoder.encode(payload);
  return new Message(
    name,
    encoder.encode(name),
    bytes,
    0,
    0,
    0,
    bytes.length,
    qos,
    retain,
    expirySeconds,
    receivedMs,
    origin,
  );
}

/** The payload of a message as a text. */
export function textOf(message: Message): string {
  return decoder.decode(message.payload);
}

/** A way to send messages. */
export function variant(options: Partial<Variant> = {}): Variant {
  return {
    qos: 2,
    identifiers: null,
    retainAsPublished: false,
    retained: false,
    shared: null,
    ...options,
  };
}
