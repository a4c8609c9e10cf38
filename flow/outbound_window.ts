import type { QoS } from "../codec/mod.ts";

/** The largest packet identifier [MQTT-2.2.1-3]. */
const PACKET_ID_MAX = 65_535;
/**
 * Most flights at once, under half of all identifiers, so that a free one is
 * soon found. A peer that never answers PUBREL gets here, as each connection
 * brings it new quota.
 */
const FLIGHTS_MAX = 32_767;
/** Slots of a new window; it doubles as needed. */
const SLOTS_MIN = 8;

/** What a sender waits for. */
export type Phase = "puback" | "pubrec" | "pubcomp";

/** A message that was sent and whose handshake has not ended. */
export class Flight<M> {
  /** Whether it was sent, or its PUBREL was, on the present connection. */
  sent = true;

  /**
   * @param packetId 1 to 65,535; stays the same when the message is sent again.
   * @param phase What the sender waits for.
   * @param order Counts up with every message sent.
   * @param message What is needed to send it again; `null` when it never will be.
   */
  constructor(
    readonly packetId: number,
    public phase: Phase,
    readonly order: number,
    public message: M | null,
  ) {}
}

/**
 * The messages with an acknowledged QoS that a sender has in flight: it gives
 * them identifiers, bounds their number, and knows what to send again.
 *
 * Identifiers are given in turn, and the slot of a flight is its identifier
 * modulo the number of slots: opening and closing a flight are a few reads and
 * writes of an array, whatever the size of the window. An identifier whose slot
 * is taken is left out this time round.
 *
 * @typeParam M What is kept of a message.
 */
export class OutboundWindow<M> {
  #slots: (Flight<M> | null)[] = new Array(SLOTS_MIN).fill(null);
  #limit: number;
  #size = 0;
  /** Flights that count against the limit: those sent on this connection. */
  #unacknowledged = 0;
  #lastId = 0;
  #order = 0;
  /** Flights of an earlier connection that still have to be sent again. */
  #resend: Flight<M>[] = [];
  #resendNext = 0;

  /** @param limit The peer's Receive Maximum, 1 to 65,535 [MQTT-3.3.4-9]. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many flights there are. */
  get size(): number {
    return this.#size;
  }

  /** How many more messages may be sent now [MQTT-4.9.0-2]. */
  get quota(): number {
    return Math.max(0, Math.min(this.#limit - this.#unacknowledged, FLIGHTS_MAX - this.#size));
  }

  /** Whether flights of an earlier connection come first. */
  get resending(): boolean {
    return this.#resendNext < this.#resend.length;
  }

  /**
   * Opens a flight; there must be quota. The caller sends the message with the
   * identifier at once.
   *
   * @param message What is needed to send it again, or `null`.
   */
  open(qos: Exclude<QoS, 0>, message: M | null): Flight<M> {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    let id = this.#lastId;
    do id = id === PACKET_ID_MAX ? 1 : id + 1; while (this.#slots[id & mask] !== null);
    this.#lastId = id;
    const flight = new Flight(id, qos === 1 ? "puback" : "pubrec", this.#order++, message);
    this.#slots[id & mask] = flight;
    this.#size++;
    this.#unacknowledged++;
    return flight;
  }

  /** The identifier that was given last; 0 for none. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Goes on from flights that were stored, in their order; before anything is opened. */
  restore(lastId: number, flights: readonly (readonly [number, Phase, M])[]): void {
    this.#lastId = lastId;
    for (const [packetId, phase, message] of flights) {
      const flight = new Flight<M>(packetId, phase, this.#order++, message);
      flight.sent = false;
      while (this.#slots[packetId & this.#slots.length - 1] !== null) this.#grow();
      this.#slots[packetId & this.#slots.length - 1] = flight;
      this.#size++;
    }
  }

  /** The flight with an identifier, or `null`. */
  get(packetId: number): Flight<M> | null {
    const flight = this.#slots[packetId & this.#slots.length - 1]!;
    return flight !== null && flight.packetId === packetId ? flight : null;
  }

  /** Ends a flight, which gives its quota back. */
  close(flight: Flight<M>): void {
    const slot = flight.packetId & this.#slots.length - 1;
    if (this.#slots[slot] !== flight) return;
    this.#slots[slot] = null;
    this.#size--;
    if (flight.sent) this.#unacknowledged--;
  }

  /** The flights in the order in which they were opened. */
  flights(): Flight<M>[] {
    const flights = this.#slots.filter((flight) => flight !== null);
    return flights.sort((a, b) => a.order - b.order);
  }

  /**
   * Begins anew on another connection: every flight has to be sent again, in
   * order, with its identifier [MQTT-4.4.0-1].
   *
   * @param limit The peer's Receive Maximum on the new connection.
   */
  resume(limit: number): void {
    this.#limit = limit;
    this.#unacknowledged = 0;
    this.#resend = this.flights();
    this.#resendNext = 0;
    for (const flight of this.#resend) flight.sent = false;
  }

  /**
   * The next flight to send again, which the caller does at once, or `null`
   * when there is none or no quota is left for it. One that waits for PUBCOMP
   * needs no quota: its PUBREL is sent.
   */
  nextResend(): Flight<M> | null {
    while (this.resending) {
      const flight = this.#resend[this.#resendNext]!;
      // It may have been acknowledged without having been sent again.
      if (this.get(flight.packetId) !== flight) {
        this.#resendNext++;
        continue;
      }
      if (flight.phase !== "pubcomp") {
        if (this.#unacknowledged >= this.#limit) return null;
        flight.sent = true;
        this.#unacknowledged++;
      }
      this.#resendNext++;
      return flight;
    }
    this.#resend = [];
    this.#resendNext = 0;
    return null;
  }

  #grow(): void {
    const flights = this.#slots;
    // Two identifiers with different slots never share one in a larger array.
    this.#slots = new Array(flights.length * 2).fill(null);
    const mask = this.#slots.length - 1;
    for (const flight of flights) if (flight !== null) this.#slots[flight.packetId & mask] = flight;
  }
}
