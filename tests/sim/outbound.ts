import type { AckPacket, ProtocolVersion } from "../../codec/mod.ts";
import { ReasonCode } from "../../codec/mod.ts";
import type { ConnectionRecord, Ledger, Publication } from "./ledger.ts";
import type { Wire } from "./wire.ts";

interface Exchange {
  readonly publication: Publication;
  phase: "publish" | "pubrel";
  /** Whether it was carried over from an earlier connection. */
  isResent: boolean;
}

/** A connection that a client publishes on. */
export interface Way {
  readonly wire: Wire;
  readonly record: ConnectionRecord;
  readonly version: ProtocolVersion;
  /** How many messages the broker takes unacknowledged. */
  readonly quota: number;
}

/** What a client publishes: it keeps to the broker's Receive Maximum and repeats what is lost. */
export class Outbound {
  readonly #clientId: string;
  readonly #ledger: Ledger;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #waiting: Publication[] = [];
  #way: Way | null = null;
  #lastId = 0;
  readonly #mayBeRefused: boolean;

  /** @param mayBeRefused Whether the broker may refuse what it has no room for. */
  constructor(clientId: string, ledger: Ledger, mayBeRefused: boolean) {
    this.#clientId = clientId;
    this.#ledger = ledger;
    this.#mayBeRefused = mayBeRefused;
  }

  /** Whether everything was sent and acknowledged. */
  get isIdle(): boolean {
    return this.#exchanges.size === 0 && this.#waiting.length === 0;
  }

  /** An identifier that no message in flight has; requests are answered before it comes round. */
  newId(): number {
    do this.#lastId = this.#lastId % 65_535 + 1; while (this.#exchanges.has(this.#lastId));
    return this.#lastId;
  }

  /** Publishes a message, as soon as that is possible. */
  publish(publication: Publication): void {
    if (publication.qos > 0) {
      this.#waiting.push(publication);
      this.#sendWaiting();
    } else if (this.#way !== null) this.#send(publication, 0, false);
  }

  /** Goes on with a connection: what is in flight is sent again. */
  attach(way: Way): void {
    this.#way = way;
    for (const [id, exchange] of this.#exchanges) {
      exchange.isResent = true;
      if (exchange.phase === "publish") this.#send(exchange.publication, id, true);
      else this.#release(id);
    }
    this.#sendWaiting();
  }

  /** The connection is gone. */
  detach(): void {
    this.#way = null;
  }

  /** The session is no more, and with it what was in flight. */
  forget(): void {
    this.#exchanges.clear();
  }

  /** Handles PUBACK, PUBREC or PUBCOMP. */
  acknowledged({ type, packetId, reasonCode }: AckPacket): void {
    const exchange = this.#exchanges.get(packetId);
    if (exchange === undefined || awaited(exchange) !== type) {
      this.#ledger.fault(`${this.#clientId} got ${type} ${packetId} out of turn`);
      return;
    }
    if (this.#mayBeRefused && reasonCode === ReasonCode.QuotaExceeded) {
      exchange.publication.isRefused = true;
      this.#exchanges.delete(packetId);
      return this.#sendWaiting();
    }
    const mayBeUnknown = type === "pubcomp" && exchange.isResent;
    const isFine = reasonCode < 0x80 ||
      (mayBeUnknown && reasonCode === ReasonCode.PacketIdentifierNotFound);
    if (!isFine) this.#ledger.fault(`${this.#clientId} got ${type} with code ${reasonCode}`);
    if (type !== "pubcomp") exchange.publication.ackedAt = this.#ledger.tick();
    if (type === "pubrec") {
      exchange.phase = "pubrel";
      this.#release(packetId);
    } else {
      this.#exchanges.delete(packetId);
      this.#sendWaiting();
    }
  }

  #sendWaiting(): void {
    const way = this.#way;
    while (way !== null && this.#waiting.length > 0 && this.#exchanges.size < way.quota) {
      const publication = this.#waiting.shift()!;
      const id = this.newId();
      this.#exchanges.set(id, { publication, phase: "publish", isResent: false });
      this.#send(publication, id, false);
    }
  }

  #send(publication: Publication, packetId: number, dup: boolean): void {
    const { topic, payload, qos, retain } = publication;
    if (publication.sends++ === 0) {
      publication.sentAt = this.#ledger.tick();
      publication.connection = this.#way!.record;
    }
    this.#way!.wire.send({
      type: "publish",
      topic,
      payload,
      qos,
      retain,
      dup,
      packetId,
      properties: {},
    });
    const number = publication.id;
    this.#ledger.note(() =>
      `${this.#clientId} > publish ${packetId}${dup ? " dup" : ""} #${number} to ${topic} q${qos}`
    );
  }

  #release(packetId: number): void {
    this.#way!.wire.send({ type: "pubrel", packetId, reasonCode: 0, properties: {} });
  }
}

function awaited({ publication, phase }: Exchange): AckPacket["type"] {
  if (phase === "pubrel") return "pubcomp";
  return publication.qos === 1 ? "puback" : "pubrec";
}
