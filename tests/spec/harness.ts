/**
 * Runs a conversation with a broker, byte by byte: on a real listener, and on a network in memory
 * where the test is alone with its clock and every packet is cut into random pieces.
 *
 * ```ts ignore
 * specTest("a PINGREQ is answered [MQTT-3.12.4-1]", async (t) => {
 *   const client = await t.connect();
 *   await client.send("c0 00");
 *   await client.expect("d0 00");
 * });
 * ```
 *
 * The folder gives the version: tests in `v5/` use MQTT 5, those in `v311/` MQTT 3.1.1, and those in
 * `both/` each of them. Each folder has a `spec.ts` with its {@linkcode testsFor}.
 *
 * @module
 */
import { assert } from "@std/assert";
import { Broker, type BrokerOptions, type ListenerRules } from "../../mod.ts";
import type { BytePipe } from "../harness/byte_pipe.ts";
import { eventually } from "../harness/eventually.ts";
import { connect, type ConnectFields, disconnect, type Level } from "../harness/packets.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { VirtualNetwork } from "../harness/virtual_network.ts";
import { SpecClient } from "./client.ts";

export { hex } from "../harness/hex.ts";
export { SpecClient } from "./client.ts";

/** Where a conversation takes place. */
interface Stage extends AsyncDisposable {
  readonly broker: Broker;
  /** Opens a connection to one of its listeners. */
  dial(listener: number): Promise<BytePipe>;
  /** Waits until the condition holds. */
  until(condition: () => boolean): Promise<void>;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
}

/** What a test has: a broker of its own and clients for it. */
export class Conversation {
  readonly #stage: Stage;
  readonly #level: Level;
  readonly #clients: SpecClient[] = [];

  constructor(stage: Stage, level: Level) {
    this.#stage = stage;
    this.#level = level;
  }

  /** The broker, for what cannot be seen from outside. */
  get broker(): Broker {
    return this.#stage.broker;
  }

  /** Opens a connection and sends nothing. */
  async client(level: Level = this.#level, listener = 0): Promise<SpecClient> {
    const client = new SpecClient(await this.#stage.dial(listener), level);
    this.#clients.push(client);
    return client;
  }

  /** Opens a connection and sends CONNECT. */
  async dial(fields: ConnectFields = {}, listener = 0): Promise<SpecClient> {
    const { level = this.#level } = fields;
    const client = await this.client(level, listener);
    await client.send(connect({ ...fields, level }));
    return client;
  }

  /** Opens a connection and is let in. */
  async connect(fields: ConnectFields = {}, listener = 0): Promise<SpecClient> {
    const client = await this.dial(fields, listener);
    await client.expectWelcome();
    return client;
  }

  /** Drops a connection without a DISCONNECT, and waits until the broker has noticed. */
  async drop(client: SpecClient): Promise<void> {
    const { stats } = this.broker;
    const { connections } = stats;
    client.close();
    await this.until(() => stats.connections < connections);
  }

  /** Says goodbye, and waits until the broker has no trace of the connection. */
  async leave(client: SpecClient, ...goodbye: Parameters<typeof disconnect>): Promise<void> {
    const { stats } = this.broker;
    const { connections } = stats;
    await client.send(disconnect(...goodbye));
    await client.expectClose();
    await this.until(() => stats.connections < connections);
  }

  /** Waits until the condition holds; in memory it must without any time passing. */
  until(condition: () => boolean): Promise<void> {
    return this.#stage.until(condition);
  }

  /** Lets time pass; only in a {@linkcode timeTest}. */
  pass(ms: number): Promise<void> {
    return this.#stage.pass(ms);
  }

  /** Lets go of every client. */
  close(): void {
    for (const client of this.#clients) client.close();
  }
}

/** What a test is given beside its name. */
export interface SpecOptions {
  /** Settings of its broker, beside clock and randomness. */
  broker?: BrokerOptions;
  /** Whether its listener is lenient; false by default. */
  lenient?: boolean;
  /** The rules of its listeners; by default there is one, with those of the broker. */
  listeners?: readonly ListenerRules[];
}

type Body = (t: Conversation) => Promise<void>;

/** Registers a test, with settings if it needs any. */
type Register = (name: string, ...rest: [Body] | [SpecOptions, Body]) => void;

/** The two ways to register a test, for clients that speak `level` unless told otherwise. */
export function testsFor(level: Level): {
  /** Registers a conversation twice: on a real listener and on the network in memory. */
  specTest: Register;
  /** Registers a conversation that has to let time pass: on the network in memory. */
  timeTest: Register;
} {
  const timeTest: Register = (name, ...rest) => {
    const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
    Deno.test(`${name} (in memory)`, () => run(stageFor(name), level, options, body));
  };
  const specTest: Register = (name, ...rest) => {
    const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
    Deno.test(`${name} (TCP)`, () => run(realStage, level, options, body));
    timeTest(name, options, body);
  };
  return { specTest, timeTest };
}

async function run(
  stageOf: (options: BrokerOptions, listeners: readonly ListenerRules[]) => Promise<Stage>,
  level: Level,
  options: SpecOptions,
  body: Body,
): Promise<void> {
  const failures: unknown[] = [];
  const { hooks } = options.broker ?? {};
  const { listeners = [{ lenient: options.lenient ?? false }] } = options;
  await using stage = await stageOf({
    ...options.broker,
    hooks: { ...hooks, failed: (error) => failures.push(error) },
  }, listeners);
  const conversation = new Conversation(stage, level);
  try {
    await body(conversation);
  } finally {
    conversation.close();
  }
  if (failures.length > 0) throw new AggregateError(failures, "The broker has failed inside");
}

async function realStage(
  options: BrokerOptions,
  rules: readonly ListenerRules[],
): Promise<Stage> {
  const broker = new Broker(options);
  const listeners = await Promise.all(rules.map((policy) => broker.listen({ port: 0, policy })));
  return {
    broker,
    dial: (at) => Deno.connect({ hostname: "127.0.0.1", port: listeners[at]!.port }),
    async until(condition) {
      await eventually(`${condition}`, condition);
    },
    pass() {
      throw new TypeError("Only a timeTest can let time pass");
    },
    [Symbol.asyncDispose]: () => broker.close(),
  };
}

/** A stage in memory, where chance depends on the name of the test alone. */
function stageFor(name: string): typeof realStage {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  return (options, listeners) => Promise.resolve(virtualStage(options, listeners, seed));
}

function virtualStage(
  options: BrokerOptions,
  listeners: readonly ListenerRules[],
  seed: number,
): Stage {
  const clock = new VirtualClock();
  /** The listener that each connection was made to. */
  const dialled: number[] = [];
  const network = new VirtualNetwork({
    seed,
    clock,
    maxDelayMs: 0,
    windowBytes: 2 ** 24,
    accept: (pipe, { number }) =>
      broker.accept(pipe, { address: "memory" }, policies[dialled[number]!]),
  });
  const random = network.random.fork();
  const broker = new Broker({ random: () => random.next(), ...options, clock });
  const policies = listeners.map((rules) => broker.listenerPolicy(rules));
  return {
    broker,
    dial(listener) {
      dialled.push(listener);
      return Promise.resolve(atThisInstant(network.connect(), clock));
    },
    async until(condition) {
      await clock.advance(0);
      assert(condition(), `Does not hold by now: ${condition}`);
    },
    pass: (ms) => clock.advance(ms),
    async [Symbol.asyncDispose]() {
      let isClosed = false;
      const closing = broker.close().then(() => isClosed = true);
      assert(await clock.advanceUntil(() => isClosed, 60_000), "The broker does not close");
      await closing;
    },
  };
}

/** A pipe on which everything happens at once or never: the clock stands still meanwhile. */
function atThisInstant(pipe: BytePipe, clock: VirtualClock): BytePipe {
  const drive = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settle = () => void (isSettled = true);
    promise.then(settle, settle);
    await clock.advance(0);
    if (!isSettled) throw new Error("Nothing happens any more unless time passes");
    return promise;
  };
  return {
    read: (target) => drive(pipe.read(target)),
    write: (bytes) => drive(pipe.write(bytes)),
    close: () => pipe.close(),
  };
}
