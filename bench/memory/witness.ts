import * as packets from "../../tests/harness/packets.ts";
import { pause, Peer } from "./peer.ts";

/** The subscriptions beside its own messages, from the beginning. */
const TOLD = { "canary": 0, "$SYS/broker/memory/+": 0 };
/** The time limit of an answer, in milliseconds. */
const ASK_MS = 3000;
/** The maximum length of remembered received text, in characters. */
const TOLD_CHARS_MAX = 10_000;

/** The interval of its publications, in milliseconds. */
const PING_MS = 100;
/** The time after which a message counts as lost, in milliseconds. */
const LOST_MS = 10_000;

/**
 * Two honest clients: one publishes, the other receives. They measure the time of a message during
 * an attack.
 */
export class Witness {
  /** Messages that arrived. */
  received = 0;
  /** Messages that did not arrive in time. */
  lost = 0;
  /** The maximum time of a message, in milliseconds. */
  worstMs = 0;
  readonly #publisher: Peer;
  readonly #subscriber: Peer;
  #arrived: (() => void) | null = null;
  #told = "";

  private constructor(publisher: Peer, subscriber: Peer) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    subscriber.onBytes = (bytes) => this.#take(bytes);
  }

  /**
   * Collects received bytes. A PUBLISH of the witness itself is short, and arrives in one piece.
   */
  #take(bytes: Uint8Array): void {
    const text = new TextDecoder("latin1").decode(bytes);
    this.#told = (this.#told + text).slice(-TOLD_CHARS_MAX);
    if (text.includes("witness/ping")) this.#arrived?.();
  }

  /** Requests the retained messages of {@linkcode TOLD}, and returns all recently received text. */
  async ask(): Promise<string> {
    this.#told = "";
    await this.#subscriber.send(packets.subscribe(TOLD, { packetId: 2 }));
    await pause(ASK_MS);
    return this.#told;
  }

  /** Connects both clients. */
  static async join(port: number): Promise<Witness> {
    const subscriber = await Peer.join(port, { clientId: "witness-in" });
    await subscriber.send(packets.subscribe({ "witness/ping": 0, ...TOLD }));
    const publisher = await Peer.join(port, { clientId: "witness-out" });
    await pause(200);
    return new Witness(publisher, subscriber);
  }

  /** Sends one message after the other until it is over. */
  async watch(isOver: () => boolean): Promise<void> {
    while (!isOver() && !this.#publisher.isOver) {
      await this.#ping();
      await pause(PING_MS);
    }
  }

  async #ping(): Promise<void> {
    const begin = performance.now();
    const arrived = new Promise<boolean>((resolve) => this.#arrived = () => resolve(true));
    await this.#publisher.send(packets.publish("witness/ping", "x"));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), LOST_MS);
    });
    if (await Promise.race([arrived, late])) this.received++;
    else this.lost++;
    clearTimeout(timer);
    this.worstMs = Math.max(this.worstMs, performance.now() - begin);
  }

  /** Whether both are still connected. */
  get isServed(): boolean {
    return !this.#publisher.isOver && !this.#subscriber.isOver;
  }

  /** Closes both connections. */
  close(): void {
    this.#publisher.close();
    this.#subscriber.close();
  }
}
