import { type ConnectPacket, type Packet, ReasonCode } from "../../codec/mod.ts";
import type { BytePipe } from "../harness/byte_pipe.ts";
import type { ConnectionRecord, WillRecord } from "./ledger.ts";
import type { ClientPlan } from "./scenario.ts";
import { Wire } from "./wire.ts";

/** Longer than a simulation lasts, but for its end. */
const EXPIRY_SECONDS = 3600;

/** What a client may know about whether the broker has its session. */
export type Known = "yes" | "no" | "maybe";

/** With what a client connects. */
export interface Terms {
  readonly version: 4 | 5;
  readonly isClean: boolean;
  readonly isPersistent: boolean;
  /** Whether the broker has a session to go on with. */
  readonly isExpected: Known;
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  readonly will: WillRecord | null;
}

/** What an {@linkcode Attempt} tells its client. */
export interface AttemptEvents {
  /** A packet has come. */
  packet(attempt: Attempt, packet: Packet): void;
  /** Nothing comes any more. */
  ended(attempt: Attempt): void;
  /** The broker has done what it must not do. */
  fault(text: string): void;
}

/** A connection of a client from the first byte on, whether it is let in or not. */
export class Attempt {
  readonly wire: Wire;
  readonly terms: Terms;
  /** Set once the client was let in. */
  record: ConnectionRecord | null = null;
  /** Whether the client has gone on to another. */
  isGivenUp = false;
  /** The reason code of the DISCONNECT that has come, or `null`. */
  #farewell: number | null = null;
  /** Whether it was ever read so slowly that the broker may have lost its patience. */
  #isStalled = false;

  /** Starts to read; CONNECT is for the client to send. */
  constructor(pipe: BytePipe, terms: Terms, events: AttemptEvents) {
    this.terms = terms;
    this.wire = new Wire(pipe, terms.version, {
      packet: (packet) => {
        if (packet.type === "disconnect") this.#farewell = packet.reasonCode;
        events.packet(this, packet);
      },
      faulty: (error) => events.fault(`cannot read: ${error}`),
      ended: (isOrderly) => {
        if (this.isGivenUp && isOrderly && !this.#isToldWhy()) events.fault("is not told why");
        events.ended(this);
      },
    });
  }

  /** The CONNECT that says what the terms are. */
  packet({ clientId, keepAliveSeconds }: ClientPlan): ConnectPacket {
    const { version, isClean, isPersistent, receiveMaximum, topicAliasMaximum, will } = this.terms;
    const sessionExpiryInterval = isPersistent ? EXPIRY_SECONDS : 0;
    return {
      type: "connect",
      protocolVersion: version,
      cleanStart: isClean,
      keepAlive: keepAliveSeconds,
      clientId,
      properties: version === 5 ? { receiveMaximum, topicAliasMaximum, sessionExpiryInterval } : {},
      will: will === null ? null : { ...will.publication, properties: {} },
      username: null,
      password: null,
    };
  }

  /** Reads nothing more until the promise resolves. */
  stall(until: Promise<void>): void {
    this.#isStalled = true;
    this.wire.stall(until);
  }

  /** Whether a connection that another has replaced was ended with a word. */
  #isToldWhy(): boolean {
    if (this.terms.version < 5 || this.record === null || this.#isStalled) return true;
    return this.#farewell === ReasonCode.SessionTakenOver ||
      this.#farewell === ReasonCode.ServerShuttingDown;
  }
}
