/** Plain PUBLISH frames that a stream takes together, without a message object for each. */
import { recordHead } from "./record.ts";

/**
 * Consecutive PUBLISH packets with QoS 0 to one topic, whole and valid, without flags and
 * properties. The bytes are borrowed.
 */
export interface FrameRun {
  readonly buffer: Uint8Array;
  /** The start of the first packet. */
  readonly start: number;
  /** The end of the last packet. */
  readonly end: number;
  /** Whether they are packets of MQTT 5, which have a property length of 0. */
  readonly v5: boolean;
  /** Their topic name, in UTF-8. */
  readonly topic: Uint8Array;
  /** The client identifier of their publisher; `null` for none. */
  readonly publisher: string | null;
}

const NO_BYTES = new Uint8Array(0);

/**
 * The bytes in front of the payload, which the records of all these messages share. The length and
 * the sequence are still to be set. Borrowed until the next call.
 */
export function headOf({ topic, publisher }: FrameRun, timeMs: number): Uint8Array {
  const where = { buffer: NO_BYTES, propertiesStart: 0, propertiesEnd: 0 };
  const payload = { payloadStart: 0, payloadEnd: 0 };
  const flags = { qos: 0, retain: false, expirySeconds: -1, isRevoked: false };
  return recordHead({ topic, publisher, ...where, ...payload, ...flags }, timeMs);
}
