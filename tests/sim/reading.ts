import type { Publication } from "./ledger.ts";
import type { Ends } from "./stream_book.ts";

/** Sequences that were told to be gone, both included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** A message that a reader has got. */
export interface ReadMessage {
  readonly publication: Publication;
  /** Its sequence; 0 where the version has no marks. */
  readonly seq: number;
  readonly qos: number;
  readonly dup: boolean;
  /** The gap in front of it, as the broker tells. */
  readonly gap: Gap | null;
  /** The number of the connection it came on. */
  readonly connection: number;
  /** How often the broker had crashed by then. */
  readonly crashes: number;
  /** The highest sequence the stream had begun with by then. */
  readonly firstMost: number;
  /** Since when the broker is known to have the acknowledgement, by its clock; `Infinity` if not. */
  confirmedMs: number;
}

/** A position as a reader asks for it. */
export type Wanted =
  | { readonly kind: "earliest" | "latest" }
  | { readonly kind: "from"; readonly seq: number }
  | { readonly kind: "since"; readonly timeMs: number }
  | { readonly kind: "ago"; readonly ms: number }
  | { readonly kind: "last" | "last-per-topic"; readonly count: number };

/** One subscription that reads the stream, from SUBSCRIBE to its end. */
export interface Reading {
  readonly reader: string;
  readonly version: 4 | 5;
  readonly isDurable: boolean;
  /** The topic filter of SUBSCRIBE. */
  readonly key: string;
  /** What the topics match. */
  readonly filter: string;
  /** What is put in front of the topics. */
  readonly prefix: string;
  /** The position as text, and what it means. */
  readonly position: string;
  readonly meaning: Wanted;
  /** Where it begins: Retain Handling 2 wants nothing of the past. */
  readonly wanted: Wanted;
  /** Where the stream was when SUBSCRIBE was sent. */
  readonly before: Ends;
  /** Where it was when SUBACK came; `null` if none came. */
  after: Ends | null;
  /** The QoS that it may have: another SUBSCRIBE may change it while it goes on. */
  readonly qos: Set<number>;
  /** Whether it ever had QoS 0: what is sent with that may get lost. */
  mayLose: boolean;
  /** Subscription Identifiers that it may have; 0 for none. */
  readonly identifiers: Set<number>;
  /** The gap that the SUBACK has told. */
  gap: Gap | null;
  readonly messages: ReadMessage[];
  /** Whether it is over, as far as the reader knows. */
  isOver: boolean;
  /** Whether the reader has asked for its end, or for another in its place. */
  isEnding: boolean;
}
