import { assertEquals } from "@std/assert";
import { Broker, type BrokerLimits, type BrokerOptions, type LimitInfo } from "../../mod.ts";
import type { Store } from "../../store/mod.ts";
import { brokers } from "../harness/brokers.ts";
import { type Bytes, toBytes, toHex } from "../harness/hex.ts";
import { InstantPipe } from "../harness/instant_pipe.ts";
import * as packets from "../harness/packets.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

/** A connection of a test: what it sends is there at once, and what comes is kept. */
export class Visitor {
  readonly #clock: VirtualClock;
  readonly pipe: InstantPipe;
  #received = "";

  /** Connects to a broker. */
  constructor(stage: Stage, address: string) {
    this.#clock = stage.clock;
    this.pipe = new InstantPipe(Infinity, (bytes) => this.#received += toHex(bytes));
    stage.broker.accept(this.pipe, { address });
  }

  /** Whether the broker has ended the connection. */
  get isEnded(): boolean {
    return this.pipe.isClosed || this.pipe.isFinished;
  }

  /** Sends, and gives what has come since the last time, as hex digits. */
  async send(...bytes: Bytes[]): Promise<string> {
    for (const one of bytes) this.pipe.feed(toBytes(one).slice());
    return await this.receive();
  }

  /** What has come since the last time. */
  async receive(): Promise<string> {
    await this.#clock.settle();
    const received = this.#received;
    this.#received = "";
    return received.replaceAll(" ", "");
  }

  /** Sends CONNECT; gives what it was answered. */
  connect(fields: packets.ConnectFields = {}): Promise<string> {
    return this.send(packets.connect({ level: 5, ...fields }));
  }

  /** Goes, as a network that fails. */
  async leave(): Promise<void> {
    this.pipe.cut();
    await this.#clock.settle();
  }
}

/** A broker on virtual time that nothing but the test talks to. */
export class Stage implements AsyncDisposable {
  readonly clock: VirtualClock = new VirtualClock();
  /** By how much timers come late: a loop with too much to do. */
  lateMs = 0;
  /** How many timers the broker has asked for. */
  timers = 0;
  readonly #options: BrokerOptions;
  #broker: Broker | null = null;
  /** What was told of limits. */
  readonly told: LimitInfo[] = [];
  readonly #failures: unknown[] = [];
  #visitors = 0;

  /** Makes a broker with some limits. */
  constructor(limits: Partial<BrokerLimits>, options: BrokerOptions = {}) {
    this.#options = {
      clock: {
        now: () => this.clock.now(),
        schedule: (atMs, callback) => {
          this.timers++;
          return this.clock.schedule(atMs + this.lateMs, callback);
        },
      },
      ...options,
      limits,
      hooks: {
        ...options.hooks,
        limited: (info) => void this.told.push(info),
        failed: (error) => void this.#failures.push(error),
      },
    };
  }

  /**
   * Makes one whose broker keeps in a store what must survive.
   *
   * @param store That of one broker, or what makes one for each node.
   */
  static async open(
    store: Store | (() => Store),
    limits: Partial<BrokerLimits>,
  ): Promise<Stage> {
    const stage = new Stage(limits);
    stage.#broker = typeof store === "function"
      ? await brokers.open(store, stage.#options)
      : await Broker.open(store, stage.#options);
    return stage;
  }

  get broker(): Broker {
    return this.#broker ??= brokers.make(this.#options);
  }

  /** Connects from an address; each from one of its own by default. */
  visit(address: string = `192.0.2.${this.#visitors++ % 200}:1`): Visitor {
    return new Visitor(this, address);
  }

  /** Connects and is let in. */
  async join(fields: packets.ConnectFields = {}, address?: string): Promise<Visitor> {
    const visitor = this.visit(address);
    const connack = await visitor.connect(fields);
    assertEquals([connack.slice(0, 2), connack.slice(6, 8)], ["20", "00"], connack);
    return visitor;
  }

  /** Checks how often a limit was counted and told. */
  expectLimited(reason: LimitInfo["reason"], count: number): void {
    assertEquals(this.broker.stats.limited[reason], count);
    assertEquals(this.told.filter((info) => info.reason === reason).length, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.broker.close({ graceMs: 0 });
    await this.clock.advance(10_000);
    await closing;
    assertEquals(this.#failures, []);
  }
}

/** The reason code of a CONNACK of 5.0, or what came instead of one. */
export function connackCode(answer: string): string {
  return answer.startsWith("20") ? answer.slice(6, 8) : answer;
}
