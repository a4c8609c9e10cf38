/** The QoS 1 and 2 messages that a sender has in flight, and their identifiers. */
import type { QoS } from "../codec/mod.ts";

/** The largest packet identifier [MQTT-2.2.1-3]. */
const PACKET_ID_MAX = 65_535;
/**
 * The most messages in flight: less than half of all identifiers, so that a free one is found soon.
 * A peer that never answers PUBREL reaches this limit, because each connection gives it new quota.
 */
const INFLIGHT_MAX = 32_767;
/** Slots of a new window; it doubles as needed. */
const SLOTS_MIN = 8;

/** The packet identifiers that a sender assigns: from the first to the last one. */
export interface PacketIds {
  readonly first: number;
  readonly last: number;
}

/** All of them. */
const ALL_IDS: PacketIds = { first: 1, last: PACKET_ID_MAX };
/** Two halves, for two senders that share a receiver. Each is as large as a window can be. */
export const LOWER_IDS: PacketIds = { first: 1, last: INFLIGHT_MAX };
/** The other half. */
export const UPPER_IDS: PacketIds = { first: INFLIGHT_MAX + 1, last: PACKET_ID_MAX };

/** The packet that a sender waits for. */
export type Phase = "puback" | "pubrec" | "pubcomp";

/**
 * The exchange of a message in flight: it was sent, and is not acknowledged to the end. `phase` and
 * `message` are public: the owner of the window changes them as acknowledgements arrive.
 */
export class PublishExchange<M> {
  /** Whether it, or its PUBREL, was sent on the current connection. */
  sent = true;

  /** The packet identifier, 1 to 65,535. It stays the same when the message is sent again. */
  readonly packetId: number;
  /** The packet that the sender waits for. */
  phase: Phase;
  /** A number that grows with every message. */
  readonly order: number;
  /** What is needed to send the message again; `null` if it is never sent again. */
  message: M | null;

  /** Describes a message that was sent. */
  constructor(packetId: number, phase: Phase, order: number, message: M | null) {
    this.packetId = packetId;
    this.phase = phase;
    this.order = order;
    this.message = message;
  }
}

/**
 * The QoS 1 and 2 messages that a sender has in flight. It assigns packet identifiers, limits the
 * number of messages, and knows what to send again.
 *
 * Identifiers are assigned in turn. The slot of a message is its identifier modulo the number of
 * slots, so adding and removing a message cost a few array accesses, whatever the size of the
 * window. An identifier whose slot is taken is skipped this time.
 *
 * @typeParam M What is kept of a message.
 */
export class OutboundWindow<M> {
  /**
   * The identifiers of the messages that come; those in flight may have others. Set by `inflight.ts`.
   */
  ids: PacketIds = ALL_IDS;
  #slots: (PublishExchange<M> | null)[] = new Array(SLOTS_MIN).fill(null);
  #limit: number;
  #size = 0;
  /** Messages that count against the limit: those sent on this connection. */
  #unacknowledged = 0;
  #lastId = 0;
  #order = 0;
  /** Messages of an earlier connection that must still be sent again. */
  #resend: PublishExchange<M>[] = [];
  #resendNext = 0;

  /** @param limit The peer's Receive Maximum, 1 to 65,535 [MQTT-3.3.4-9]. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many messages are in flight. */
  get size(): number {
    return this.#size;
  }

  /** How many more messages may be sent now [MQTT-4.9.0-2]. */
  get quota(): number {
    return Math.max(0, Math.min(this.#limit - this.#unacknowledged, INFLIGHT_MAX - this.#size));
  }

  /** Whether one more message may be sent now: there is quota, and none must be sent again first. */
  get mayOpen(): boolean {
    return this.#unacknowledged < this.#limit && this.#size < INFLIGHT_MAX &&
      this.#resendNext >= this.#resend.length;
  }

  /** Whether messages of an earlier connection must be sent first. */
  get resending(): boolean {
    return this.#resendNext < this.#resend.length;
  }

  /**
   * Adds a message; there must be quota. The caller must send it at once with the returned
   * identifier.
   *
   * @param message What is needed to send the message again, or `null`.
   */
  open(qos: Exclude<QoS, 0>, message: M | null): PublishExchange<M> {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    const { first, last } = this.ids;
    let id = this.#lastId;
    do id = id >= last || id < first ? first : id + 1; while (this.#slots[id & mask] !== null);
    this.#lastId = id;
    const exchange = new PublishExchange(
      id,
      qos === 1 ? "puback" : "pubrec",
      this.#order++,
      message,
    );
    this.#slots[id & mask] = exchange;
    this.#size++;
    this.#unacknowledged++;
    return exchange;
  }

  /** The peer's Receive Maximum on the current connection. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Counts a message of another sender, with an identifier of its own, against the limit of the
   * peer. A new connection forgets it.
   *
   * @returns False if one more message may not be sent now. Then nothing has changed.
   */
  lend(packetId: number): boolean {
    if (!this.mayOpen || this.get(packetId) !== null) return false;
    this.#unacknowledged++;
    return true;
  }

  /** A message of another sender is acknowledged. */
  giveBack(): void {
    this.#unacknowledged--;
  }

  /** The last assigned identifier; 0 for none. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Restores stored messages, in their order. Call it before {@linkcode open}. */
  restore(lastId: number, exchanges: readonly (readonly [number, Phase, M])[]): void {
    this.#lastId = lastId;
    for (const [packetId, phase, message] of exchanges) {
      const exchange = new PublishExchange<M>(packetId, phase, this.#order++, message);
      exchange.sent = false;
      while (this.#slots[packetId & this.#slots.length - 1] !== null) this.#grow();
      this.#slots[packetId & this.#slots.length - 1] = exchange;
      this.#size++;
    }
  }

  /** The message in flight with an identifier, or `null`. */
  get(packetId: number): PublishExchange<M> | null {
    const exchange = this.#slots[packetId & this.#slots.length - 1]!;
    return exchange !== null && exchange.packetId === packetId ? exchange : null;
  }

  /** Removes a message, which gives its quota back. */
  close(exchange: PublishExchange<M>): void {
    const slot = exchange.packetId & this.#slots.length - 1;
    if (this.#slots[slot] !== exchange) return;
    this.#slots[slot] = null;
    this.#size--;
    if (exchange.sent) this.#unacknowledged--;
  }

  /** The messages in flight, in the order in which they were added. */
  exchanges(): PublishExchange<M>[] {
    const exchanges = this.#slots.filter((exchange) => exchange !== null);
    return exchanges.sort((a, b) => a.order - b.order);
  }

  /**
   * Starts again on another connection: every message in flight must be sent again, in order, with
   * its identifier [MQTT-4.4.0-1].
   *
   * @param limit The peer's Receive Maximum on the new connection.
   */
  resume(limit: number): void {
    this.#limit = limit;
    this.#unacknowledged = 0;
    this.#resend = this.exchanges();
    this.#resendNext = 0;
    for (const exchange of this.#resend) exchange.sent = false;
  }

  /**
   * The next message to send again, which the caller must do at once. `null` if there is none, or
   * no quota is left. A message that waits for PUBCOMP needs no quota: its PUBREL is sent.
   */
  nextResend(): PublishExchange<M> | null {
    while (this.resending) {
      const exchange = this.#resend[this.#resendNext]!;
      // It may have been acknowledged without having been sent again.
      if (this.get(exchange.packetId) !== exchange) {
        this.#resendNext++;
        continue;
      }
      if (exchange.phase !== "pubcomp") {
        if (this.#unacknowledged >= this.#limit) return null;
        exchange.sent = true;
        this.#unacknowledged++;
      }
      this.#resendNext++;
      return exchange;
    }
    this.#resend = [];
    this.#resendNext = 0;
    return null;
  }

  #grow(): void {
    const exchanges = this.#slots;
    // Two identifiers with different slots never share one in a larger array.
    this.#slots = new Array(exchanges.length * 2).fill(null);
    const mask = this.#slots.length - 1;
    for (const exchange of exchanges) {
      if (exchange !== null) this.#slots[exchange.packetId & mask] = exchange;
    }
  }
}
