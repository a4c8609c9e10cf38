/** The messages of streams of another node that are in flight to a client of this one. */
import { PacketType, ProtocolError } from "../../codec/mod.ts";
import type { OutboundWindow, Phase } from "../../flow/outbound_window.ts";

/** A message in flight. */
interface Exchange {
  phase: Phase;
  /** Whether it counts against the Receive Maximum of the client. */
  readonly isLent: boolean;
}

/** The type of the packet that each phase waits for. */
const AWAITED: Readonly<Record<Phase, number>> = {
  puback: PacketType.puback,
  pubrec: PacketType.pubrec,
  pubcomp: PacketType.pubcomp,
};

/**
 * The messages that another node has sent by this one, on the current connection of the client. The
 * other node has their whole state; what is here says to whom an answer belongs, and when the client
 * may be sent one more message.
 */
export class ReaderExchanges {
  readonly #byId = new Map<number, Exchange>();

  /**
   * A PUBLISH with QoS 1 or 2 is to be sent.
   *
   * @param window What the client has in flight from this node.
   * @returns False if the client takes no more now.
   */
  open(packetId: number, qos: number, window: OutboundWindow<unknown>): boolean {
    if (!window.lend(packetId)) return false;
    this.#byId.set(packetId, { phase: qos === 1 ? "puback" : "pubrec", isLent: true });
    return true;
  }

  /** A PUBREL is to be sent, maybe for a message of an earlier connection. */
  release(packetId: number): void {
    const known = this.#byId.get(packetId);
    if (known === undefined) this.#byId.set(packetId, { phase: "pubcomp", isLent: false });
    else known.phase = "pubcomp";
  }

  /**
   * The client has answered.
   *
   * @returns False if no such message is in flight.
   * @throws {ProtocolError} If it waits for another packet.
   */
  answer(
    type: number,
    packetId: number,
    reasonCode: number,
    window: OutboundWindow<unknown>,
  ): boolean {
    const exchange = this.#byId.get(packetId);
    if (exchange === undefined) return false;
    if (AWAITED[exchange.phase] !== type) {
      const waits = exchange.phase.toUpperCase();
      const text =
        `Packet type ${type} for packet identifier ${packetId}, which waits for ${waits}`;
      throw new ProtocolError(text, 0, "§4.3");
    }
    if (type === PacketType.pubrec && reasonCode < 0x80) return true;
    this.#byId.delete(packetId);
    if (exchange.isLent) window.giveBack();
    return true;
  }

  /** The client is away. */
  clear(): void {
    this.#byId.clear();
  }
}
