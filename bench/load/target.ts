import type { ProtocolVersion, QoS } from "../../codec/mod.ts";

/** The broker under load, and the credentials of clients. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
  readonly username: string | null;
  readonly password: string | null;
  /** 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0. */
  readonly protocol: ProtocolVersion;
}

/** The properties of the messages. */
export interface Traffic {
  readonly qos: QoS;
  /** The size of a payload, in bytes; at least {@linkcode PAYLOAD_BYTES_MIN}. */
  readonly size: number;
  /** The maximum number of unacknowledged QoS 1 and 2 messages of one publisher. */
  readonly window: number;
}

/** A payload begins with its stream, its sequence number, and its time of sending. */
export const PAYLOAD_BYTES_MIN = 16;

/** A unique prefix for topics and clients, so that runs do not disturb each other. */
export function runName(): string {
  return Math.floor(Math.random() * 36 ** 6).toString(36).padStart(6, "0");
}
