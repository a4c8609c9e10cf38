/** Passes packets between the two legs of a bridge, both ways, and slows each side down to the other. */
import type { Packet, PublishPacket } from "../codec/mod.ts";
import { Flow, type FlowRules, isAck } from "./flow.ts";
import type { Leg, LegReceiver } from "./leg.ts";
import type { RateLimit } from "./rate_limit.ts";

/** Bytes that may wait for one side before the other one is not read any more. */
const WAITING_BYTES_MAX = 65_536;

/** What a relay needs. */
export interface RelayOptions {
  readonly local: Leg;
  readonly remote: Leg;
  /** The rules from this broker to the other one. */
  readonly out: FlowRules;
  /** The rules the other way. */
  readonly in: FlowRules;
  /** The rate of messages to the other broker. */
  readonly rate: RateLimit;
  /** A message has passed, either way. */
  onTraffic(): void;
}

/** Passes packets between the two legs of a bridge. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #out: Flow;
  readonly #in: Flow;
  /** What arrived from this broker before the other side was ready; `null` from then on. */
  #held: Packet[] | null = [];

  /** Takes what both legs receive from now on. */
  constructor(options: RelayOptions) {
    const { local, remote } = options;
    this.#options = options;
    this.#out = new Flow(local, remote, options.out);
    this.#in = new Flow(remote, local, options.in);
    local.receiver = this.#receiver(remote, local, (packet) => this.#onLocal(packet));
    remote.receiver = this.#receiver(local, remote, (packet) => this.#onRemote(packet));
  }

  /** The other side is ready for what this broker sends. */
  start(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const packet of held) this.#onLocal(packet);
  }

  /** Sends a retained message of this broker, or its deletion, that waits in no session. */
  sendOut(message: Pick<PublishPacket, "topic" | "payload" | "properties">): void {
    const packet = { ...message, type: "publish", qos: 0, retain: true, dup: false } as const;
    this.#out.onPublish({ ...packet, packetId: 0 });
  }

  /** A receiver that does not read on while too much waits for the other side. */
  #receiver(to: Leg, from: Leg, take: (packet: Packet) => void): LegReceiver {
    return {
      onFlow: (packet) => {
        take(packet);
        if (to.connection.waitingBytes > WAITING_BYTES_MAX) from.valve.set("congestion", true);
      },
      onDrained: () => to.valve.set("congestion", false),
    };
  }

  #onLocal(packet: Packet): void {
    if (this.#held !== null) {
      // Its bytes are borrowed.
      this.#held.push(packet.type === "publish" ? structuredClone(packet) : packet);
    } else if (packet.type === "publish") {
      const { rate, local, onTraffic } = this.#options;
      this.#out.onPublish(packet);
      onTraffic();
      rate.count(local.valve);
    } else if (packet.type === "pubrel") this.#out.onPubrel(packet);
    else if (isAck(packet)) this.#in.onAck(packet);
  }

  #onRemote(packet: Packet): void {
    if (packet.type === "publish") {
      this.#in.onPublish(packet);
      this.#options.onTraffic();
    } else if (packet.type === "pubrel") this.#in.onPubrel(packet);
    else if (isAck(packet)) this.#out.onAck(packet);
  }
}
