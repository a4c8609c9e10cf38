/** QoS 2 packet identifiers that the receiving broker may remember from a lost session. */
import type { Leg } from "./leg.ts";

/**
 * QoS 2 packet identifiers that go to a broker which has kept its session, while the broker that
 * they come from has lost its own. The receiver may hold an identifier for an old message, and would
 * take a new one with the same identifier for a repetition. So before the first use of each
 * identifier, the bridge releases it [MQTT-4.3.3-9]. That may take several connections.
 */
export class StalePacketIds {
  readonly #released = new Set<number>();
  readonly #awaited = new Set<number>();
  #to: Leg | null = null;

  /** Goes on at a new connection to the receiver. */
  attach(to: Leg): void {
    this.#to = to;
    this.#awaited.clear();
  }

  /** A message with this identifier is about to be sent. */
  beforeUse(packetId: number): void {
    if (this.#released.has(packetId)) return;
    this.#released.add(packetId);
    this.#awaited.add(packetId);
    this.#to!.send({ type: "pubrel", packetId, reasonCode: 0, properties: {} });
  }

  /** Whether a PUBCOMP answers the bridge itself. */
  takes(packetId: number): boolean {
    return this.#awaited.delete(packetId);
  }
}

/** Which of the two brokers may remember identifiers of a session that the other one has lost. */
export class LostSessions {
  /** Identifiers that the other broker may remember; `null` for none. */
  out: StalePacketIds | null = null;
  /** Identifiers that this broker may remember; `null` for none. */
  in: StalePacketIds | null = null;

  /**
   * Takes note of a new connection of both legs.
   *
   * @param isLocalLost Whether this broker had no session since the last call.
   */
  attach(local: Leg, remote: Leg, isLocalLost: boolean): void {
    const isRemoteLost = !remote.connack.sessionPresent;
    if (isLocalLost) this.out = new StalePacketIds();
    if (isRemoteLost) this.in = new StalePacketIds();
    // Who has lost its session remembers nothing.
    if (isRemoteLost) this.out = null;
    if (isLocalLost) this.in = null;
    this.out?.attach(remote);
    this.in?.attach(local);
  }
}
