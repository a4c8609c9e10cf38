/** Passes packets between the two legs of a bridge, both ways, and slows each side down to the other. */
import type { Packet, PublishPacket } from "../codec/mod.ts";
import { Flow, type FlowRules, isAck } from "./flow.ts";
import type { Leg, LegReceiver } from "./leg.ts";
import type { RateLimit } from "./rate_limit.ts";

/** Bytes that may wait for one side before the other one is not read any more. */
const WAITING_BYTES_MAX = 65_536;

/** Packets of this broker that are held beyond the rate; then it is not read any more. */
const HELD_MAX = 100;

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
  /** What arrived from this broker before the other side was ready, or beyond the rate. */
  #held: Packet[] = [];
  #isStarted = false;

  /** Takes what both legs receive from now on. */
  constructor(options: RelayOptions) {
    const { local, remote } = options;
    this.#options = options;
    this.#out = new Flow(local, remote, options.out);
    this.#in = new Flow(remote, local, options.in);
    local.passTo(this.#receiver(remote, local, (packet) => this.#onLocal(packet)));
    remote.passTo(this.#receiver(local, remote, (packet) => this.#onRemote(packet)));
  }

  /** The other side is ready for what this broker sends. */
  start(): void {
    this.#isStarted = true;
    this.#goOn();
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
    const mayPass = this.#isStarted && (packet.type !== "publish" || this.#takesNow());
    if (mayPass) return this.#passOut(packet);
    // Its bytes are borrowed.
    this.#held.push(packet.type === "publish" ? structuredClone(packet) : packet);
    this.#limitHeld();
  }

  /**
   * Reads no more while enough is held. Before the start it reads on, because the answers to the
   * bridge's own requests come behind the messages: these are no more than the broker has sent before
   * it has read the request.
   */
  #limitHeld(): void {
    const isEnough = this.#isStarted && this.#held.length >= HELD_MAX;
    this.#options.local.valve.set("rate", isEnough);
  }

  /** Whether the next PUBLISH may pass, behind those that are held. */
  #takesNow(): boolean {
    return this.#held.length === 0 && this.#options.rate.take(() => this.#goOn());
  }

  /** Passes what is held, as far as the rate allows. */
  #goOn(): void {
    const held = this.#held;
    let passed = 0;
    const { rate } = this.#options;
    while (passed < held.length) {
      const packet = held[passed]!;
      if (packet.type === "publish" && !rate.take(() => this.#goOn())) break;
      passed++;
      this.#passOut(packet);
    }
    held.splice(0, passed);
    this.#limitHeld();
  }

  #passOut(packet: Packet): void {
    if (packet.type === "publish") {
      this.#out.onPublish(packet);
      this.#options.onTraffic();
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
