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
import type { Broker, BrokerOptions, ListenerRules } from "../../mod.ts";
import { connect, type ConnectFields, disconnect, type Level } from "../harness/packets.ts";
import { SpecClient } from "./client.ts";
import { realStage, type Stage, virtualStage } from "./stage.ts";

export { hex } from "../harness/hex.ts";
export { SpecClient } from "./client.ts";

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
  const timeTest: Register = (name, ...rest) => register(virtualStage, `${name} (in memory)`, rest);
  const specTest: Register = (name, ...rest) => {
    register(realStage, `${name} (TCP)`, rest);
    timeTest(name, ...rest);
  };
  const register = (
    stageOf: typeof realStage,
    name: string,
    rest: [Body] | [SpecOptions, Body],
  ) => {
    const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
    Deno.test(name, () => run(stageOf, name, level, options, body));
  };
  return { specTest, timeTest };
}

async function run(
  stageOf: typeof realStage,
  name: string,
  level: Level,
  options: SpecOptions,
  body: Body,
): Promise<void> {
  const failures: unknown[] = [];
  const { hooks } = options.broker ?? {};
  const { listeners: rules = [{ lenient: options.lenient ?? false }] } = options;
  const broker: BrokerOptions = {
    ...options.broker,
    hooks: { ...hooks, failed: (error) => failures.push(error) },
  };
  await using stage = await stageOf({ name, options: broker, rules });
  const conversation = new Conversation(stage, level);
  try {
    await body(conversation);
  } finally {
    conversation.close();
  }
  if (failures.length > 0) throw new AggregateError(failures, "The broker has failed inside");
}
