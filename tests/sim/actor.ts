import type { QoS } from "../../codec/mod.ts";
import type { Random } from "../harness/random.ts";
import type { ModelClient } from "./model_client.ts";
import type { Wish } from "./subscriptions.ts";
import type { ClientWorld } from "./client_world.ts";

/** At most so many messages are published at once. */
const BURST_MAX = 6;
const STALL_MS_MAX = 2000;

/** Decides what a client does, and when. */
export class Actor {
  readonly client: ModelClient;
  readonly #world: ClientWorld;
  readonly #random: Random;
  /** The one shared group that the client ever joins, so that each copy has one explanation. */
  readonly #group: { group: string; filter: string } | null;
  #isActive = true;

  constructor(world: ClientWorld, client: ModelClient, random: Random) {
    this.client = client;
    this.#world = world;
    this.#random = random;
    const { groups } = world.scenario;
    this.#group = groups.length > 0 ? random.pick(groups) : null;
    this.#restThen(() => this.#step());
    if (client.plan.keepAliveSeconds > 0) this.#keepAlive(client.plan.keepAliveSeconds * 500);
  }

  /** Does nothing more by itself. */
  retire(): void {
    this.#isActive = false;
  }

  /** Leaves, in one of the ways in which clients leave. */
  leave(): void {
    if (this.#random.chance(0.3)) this.client.crash();
    else this.client.disconnect(this.#random.chance(0.5));
  }

  #restThen(action: () => void): void {
    const { clock, scenario } = this.#world;
    const atMs = clock.now() + this.#random.integer(1, scenario.restMsMax);
    clock.schedule(atMs, () => this.#isActive && action());
  }

  #keepAlive(everyMs: number): void {
    const { clock } = this.#world;
    clock.schedule(clock.now() + everyMs, () => {
      this.client.ping();
      if (!this.#world.isOver) this.#keepAlive(everyMs);
    });
  }

  #step(): void {
    if (this.client.isConnected) this.#act();
    else if (this.client.isOffline) this.client.connect();
    else if (this.#random.chance(this.#world.scenario.disorder.takeOver)) this.client.hurry();
    this.#restThen(() => this.#step());
  }

  #act(): void {
    const random = this.#random;
    const { client } = this;
    const { disorder } = this.#world.scenario;
    if (random.chance(client.plan.publishChance)) this.#publish();
    if (random.chance(0.25)) this.#subscribe();
    if (random.chance(0.05)) client.unsubscribe();
    if (random.chance(disorder.stall)) client.stall(random.integer(1, STALL_MS_MAX));
    if (random.chance(disorder.disconnect)) client.disconnect();
    else if (random.chance(disorder.crash)) client.crash();
    else if (random.chance(disorder.takeOver)) client.connect();
  }

  #publish(): void {
    const random = this.#random;
    const { ledger, scenario } = this.#world;
    const { clientId, qos: choice } = this.client.plan;
    const retain = random.chance(scenario.retainChance ?? 0.1);
    // Retained messages have a topic with one publisher: there is never a doubt which is the last.
    const topic = retain ? `kept/${clientId}` : random.pick(scenario.topics);
    // And one QoS: a QoS 1 message that is sent again would undo a later one with QoS 2.
    const qos: QoS = retain ? choice.at(-1)! : random.pick(choice);
    for (let left = random.integer(1, BURST_MAX); left > 0; left--) {
      const payloadBytes = random.integer(1, scenario.payloadBytesMax);
      this.client.publish(ledger.publication(clientId, { topic, qos, retain, payloadBytes }));
    }
  }

  #subscribe(): void {
    const random = this.#random;
    const { filters, groupQoSMin } = this.#world.scenario;
    const joins = this.#group !== null && random.chance(0.4);
    const target = joins ? this.#group! : { group: null, filter: random.pick(filters) };
    const wish: Wish = {
      ...target,
      qos: joins ? random.pick([groupQoSMin, 1, 2]) : random.pick([0, 1, 2, 2]),
      noLocal: !joins && random.chance(0.15),
      retainHandling: random.pick([0, 0, 1, 2]),
    };
    this.client.subscribe(wish);
  }
}
