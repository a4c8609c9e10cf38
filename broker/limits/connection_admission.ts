/** What decides which connections are accepted, and what each accepted one holds. */
import type { Receipt } from "../../log/receipt.ts";

/** Why a connection is not accepted. */
export type AdmissionRefusal =
  /** There are too many connections in all, or of the listener. */
  | "connections"
  /** The limits of its address do not allow it, which is counted and reported. */
  | "address";

/** The policy of a listener, as it limits connections. */
export interface AdmissionPolicy {
  readonly name: string;
  readonly isClosed: boolean;
  readonly effective: { readonly connectionsMax: number };
  /** Whether one more connection of this broker is allowed. */
  readonly hasRoom: boolean;
}

/** Limits connections and handshakes, per address and in total. */
export interface ConnectionAdmission {
  /** Connections whose CONNECT was not accepted yet. */
  readonly handshakes: number;
  /**
   * How many handshakes before MQTT may be in progress, so that the file descriptors suffice. It may
   * be 0 or less.
   */
  readonly pendingMax: number;
  /** The memory of the records of addresses without connections, in bytes. */
  readonly bytes: number;
  /** Limits the memory of these records, in bytes. */
  limitBytes(bytesMax: number): void;
  /** Applies changed limits: rates start again, and waiting acceptors check again. */
  applyLimits(): void;
  /** A receipt to wait for before the next accept, or `null`. */
  wait(): Receipt | null;
  /** Whether a connection from an address may be accepted. Call it once per connection. */
  mayConnect(address: string): boolean;
  /** Counts an accepted connection, by the policy of its listener, unless there is no room. */
  acquire(address: string, policy: AdmissionPolicy): ConnectionLease | AdmissionRefusal;
  /** Wakes all waiting acceptors, so that they check again. */
  close(): void;
}

/** A counted connection: before its CONNECT is accepted, after it, and closed. */
export interface ConnectionLease {
  /** The CONNECT was accepted. */
  onAuthenticated(): void;
  /** The connection has ended. Call it once. */
  release(): void;
}

/** Connections in handshakes beyond the limit of connections: each uses a file descriptor, too. */
export const SPARE_HANDSHAKES = 32;
