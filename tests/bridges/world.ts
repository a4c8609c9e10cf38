/**
 * Two brokers in memory with stores, and a bridge between them: time, the network and crashes are
 * the test's own.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type BridgeOptions, Bridges } from "../../bridge/mod.ts";
import { memoryPipe } from "../../bridge/memory_pipe.ts";
import { type ClientSubscription, connect } from "../../client/mod.ts";
import type { QoS } from "../../codec/mod.ts";
import { Broker, type BrokerOptions } from "../../mod.ts";
import { MemoryStore, type MemoryStoreOptions } from "../../store/memory_store.ts";
import type { Transport } from "../../transport/transport.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

/** What is killed: the process of the bridge, that of the other broker, or the connection. */
export type Victim = "near" | "far" | "line";

/** Which of the two brokers: the one with the bridge is near. */
export type Side = "near" | "far";

/** One life of a broker. */
interface Life {
  readonly store: MemoryStore;
  readonly broker: Broker;
  readonly bridges: Bridges | null;
  /** Connections of the bridge that break with it. */
  readonly lines: Set<Line>;
}

/** A message that was published, and how sure it is. */
interface Published {
  readonly payload: string;
  readonly qos: QoS;
  isAcknowledged: boolean;
}

/** A message that was published. */
export interface Seen {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly qos: QoS;
}

/** How long a commit takes, in milliseconds. */
const COMMIT_MS = 3;

const decoder = new TextDecoder();

/** What a world is like, beside its bridge. */
export interface WorldSettings {
  readonly random?: () => number;
  /** Options of the far broker. */
  readonly far?: BrokerOptions;
  /** Options of the near broker. */
  readonly near?: BrokerOptions;
  /** Whether the near broker has no store. */
  readonly isNearForgetful?: boolean;
  /** Whether the far broker cannot be reached at first. */
  readonly isFarAway?: boolean;
}

/** Two brokers and a bridge. */
export class BridgeWorld {
  readonly clock: VirtualClock = new VirtualClock();
  /** Reads and writes on the line between the brokers so far. */
  steps = 0;
  readonly logs: string[] = [];
  readonly published: Record<Side, Published[]> = { near: [], far: [] };
  /** The addresses that were dialed. */
  readonly dials: string[] = [];
  /** Addresses that cannot be reached. */
  readonly unreachable: Set<string> = new Set();
  /** Addresses that give no answer. */
  readonly silent: Set<string> = new Set();
  readonly #options: BridgeOptions;
  readonly #random: () => number;
  readonly #settings: WorldSettings;
  readonly #lives: Record<Side, Life | null> = { near: null, far: null };
  readonly #ended: Promise<unknown>[] = [];
  /** Whether what was to be killed at a step is dead, or was. */
  hasKilled = false;
  #killAt = Infinity;
  #victim: Victim = "line";

  private constructor(options: BridgeOptions, settings: WorldSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#random = settings.random ?? (() => 0.5);
  }

  /** Makes both brokers, and begins the bridge. */
  static async make(
    options: Partial<BridgeOptions> & Pick<BridgeOptions, "topics">,
    settings: WorldSettings = {},
  ): Promise<BridgeWorld> {
    const restart = { baseSeconds: 1, capSeconds: 2 };
    const given = { name: "b", addresses: ["far"], remoteClientId: "b", restart, ...options };
    const world = new BridgeWorld(given, settings);
    if (settings.isFarAway) world.unreachable.add("far");
    for (const side of ["far", "near"] as const) {
      const starting = world.#start(side, new MemoryStore(world.#disk));
      await world.clock.advance(100);
      await starting;
      await world.reader(side, async () => {});
    }
    return world;
  }

  broker(side: Side): Broker {
    return this.#lives[side]!.broker;
  }

  get bridges(): Bridges {
    return this.#lives.near!.bridges!;
  }

  /** Has something killed when the line has come to a step. */
  killAt(step: number, victim: Victim): void {
    this.#killAt = step;
    this.#victim = victim;
  }

  /** Publishes, and notes whether that was acknowledged; a broker that is dead takes nothing. */
  publish(side: Side, topic: string, payload: string, qos: QoS): void {
    const life = this.#lives[side];
    if (life === null) return;
    const entry: Published = { payload, qos, isAcknowledged: false };
    this.published[side].push(entry);
    life.broker.publish(topic, payload, { qos }).then(() => {
      if (this.#lives[side] === life) entry.isAcknowledged = true;
    }, () => {});
  }

  /** Moves on until the bridge is connected. */
  async connected(): Promise<void> {
    const isConnected = () => this.#lives.near?.bridges?.status("b")?.state === "connected";
    assertEquals(await this.clock.advanceUntil(isConnected, 60_000), true, this.logs.join("\n"));
    await this.clock.settle();
  }

  /** Moves on until nothing waits, and a while longer. */
  async quiet(): Promise<void> {
    await this.connected();
    const isDone = () => this.#lives.near?.bridges?.status("b")?.backlog === 0;
    assertEquals(await this.clock.advanceUntil(isDone, 60_000), true, this.logs.join("\n"));
    await this.clock.advance(5000);
  }

  /** Connects the lasting reader of a side for a while. Its session has what comes to all topics. */
  async reader(side: Side, use: (messages: ClientSubscription) => Promise<void>): Promise<void> {
    const opening = connect("mqtt://reader", {
      clientId: "reader",
      cleanStart: false,
      sessionExpirySeconds: 0xffff_ffff,
      reconnect: false,
      clock: this.clock,
      random: this.#random,
      dial: () => {
        const [near, far] = memoryPipe();
        this.broker(side).accept(far, { address: "reader" });
        return Promise.resolve(near);
      },
    });
    await this.clock.advance(50);
    const client = await opening;
    const subscription = client.subscribe("#", { qos: 2 });
    await this.clock.advance(50);
    await subscription.ready;
    await use(subscription);
    const closing = client.close({ graceMs: 0 });
    await this.clock.advance(50);
    await closing;
  }

  /** What is published on a side from now on, to topics without `$`. */
  watch(side: Side): Seen[] {
    const seen: Seen[] = [];
    this.broker(side).inspection.observe({
      published: ({ topic, payload, retain, qos }) => {
        if (topic.startsWith("$")) return;
        seen.push({ topic, payload: decoder.decode(payload), retain, qos });
      },
    });
    return seen;
  }

  /** What the lasting reader of a side gets that it has not got before: the payloads. */
  async read(side: Side): Promise<string[]> {
    const got: string[] = [];
    await this.reader(side, async (messages) => {
      void (async () => {
        for await (const { payload } of messages) got.push(new TextDecoder().decode(payload));
      })();
      await this.clock.advance(2000);
    });
    return got.filter((payload) => !/^[01]$/.test(payload));
  }

  /** Kills a process or the line, and starts a process again. */
  async kill(victim: Victim): Promise<void> {
    for (const line of this.#lives.near?.lines ?? []) line.cut();
    if (victim === "line") return;
    const life = this.#lives[victim]!;
    const store = MemoryStore.from(life.store.snapshot(), this.#disk);
    this.#lives[victim] = null;
    this.#ended.push(end(life));
    await this.#start(victim, store);
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const life of Object.values(this.#lives)) if (life !== null) this.#ended.push(end(life));
    await this.clock.advance(10_000);
    await Promise.all(this.#ended);
  }

  async #start(side: Side, store: MemoryStore): Promise<void> {
    const { clock } = this;
    const isForgetful = side === "near" && this.#settings.isNearForgetful === true;
    const options = { clock, random: this.#random, ...this.#settings[side] };
    const opening = isForgetful ? new Broker(options) : Broker.open(store, options);
    const broker = await opening;
    const lines = new Set<Line>();
    const bridges = side === "far" ? null : new Bridges(broker, {
      random: this.#random,
      dial: ({ hostname }) => this.#dial(hostname, lines),
      log: (_, text) => this.logs.push(text),
    });
    this.#lives[side] = { store, broker, bridges, lines };
    bridges?.add(this.#options);
  }

  /** A disk that takes a while, so that a kill may come before a commit. */
  get #disk(): MemoryStoreOptions {
    const { clock } = this;
    return { defer: (done) => void clock.schedule(clock.now() + COMMIT_MS, done) };
  }

  #dial(hostname: string, lines: Set<Line>): Promise<Transport> {
    this.dials.push(hostname);
    if (this.silent.has(hostname)) return new Promise(() => {});
    const far = this.#lives.far;
    if (far === null || this.unreachable.has(hostname)) {
      return Promise.reject(new Error("No route to host"));
    }
    const [near, there] = memoryPipe();
    far.broker.accept(there, { address: "bridge" });
    const line = new Line(near, () => this.#step());
    lines.add(line);
    return Promise.resolve(line);
  }

  #step(): void {
    if (++this.steps !== this.#killAt) return;
    this.hasKilled = true;
    this.#ended.push(this.kill(this.#victim));
  }
}

/** The line between the brokers: counts its steps, and breaks. */
class Line implements Transport {
  readonly #inner: Transport;
  readonly #step: () => void;
  #isCut = false;

  constructor(inner: Transport, step: () => void) {
    this.#inner = inner;
    this.#step = step;
  }

  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#inner.close();
  }

  async read(target: Uint8Array): Promise<number | null> {
    const count = await this.#inner.read(target);
    this.#step();
    if (this.#isCut) throw new Error("The line is cut");
    return count;
  }

  async write(source: Uint8Array): Promise<number> {
    // In small parts, so that each packet, and each half of one, is a step.
    this.#step();
    if (this.#isCut) throw new Error("The line is cut");
    return await this.#inner.write(source.subarray(0, 24));
  }

  async closeWrite(): Promise<void> {
    if (!this.#isCut) await this.#inner.closeWrite!();
  }

  close(): void {
    this.cut();
  }
}

async function end({ bridges, broker }: Life): Promise<void> {
  await bridges?.close();
  await broker.close({ graceMs: 0 });
}
