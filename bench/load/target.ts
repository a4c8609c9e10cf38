import type { ProtocolVersion, QoS } from "../../codec/mod.ts";

/** The broker under load, and how clients introduce themselves. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
  readonly username: string | null;
  readonly password: string | null;
  /** 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0. */
  readonly protocol: ProtocolVersion;
}

/** What the messages are like. */
export interface Traffic {
  readonly qos: QoS;
  /** Bytes of a payload; at least {@linkcode PAYLOAD_BYTES_MIN}. */
  readonly size: number;
  /** Messages of QoS 1 and 2 one publisher may have unacknowledged. */
  readonly window: number;
}

/** A payload begins with its stream, its number in it, and when it was sent. */
export const PAYLOAD_BYTES_MIN = 16;

/** A name for topics and clients that no other run has, so that none disturbs another. */
export function runName(): string {
  return Math.floor(Math.random() * 36 ** 6).toString(36).padStart(6, "0");
}
