import type { ConnectFields } from "../harness/packets.ts";
import type { Random } from "../harness/random.ts";
import { Client, DURABLE } from "./client.ts";
import type { Sent } from "./ledger.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** How long it stays at most, in milliseconds. */
const STAY_MS = 800;

/** A client with another will each time it comes; some of them have sessions that survive. */
export class Mortal extends Client {
  readonly #isDurable: boolean;
  #will: Sent | null = null;
  /** Whether the broker has promised to publish its will. */
  #isPromised = false;
  /** Whether it has said goodbye, and so wants it no more. */
  #hasLeft = false;

  constructor(world: World, random: Random, clientId: string) {
    super(world, random, clientId);
    this.#isDurable = random.chance(0.5);
  }

  protected override get staysToTheEnd(): boolean {
    return false;
  }

  protected override connect(): ConnectFields {
    const qos = this.random.pick([1, 2] as const);
    const topic = `w/${this.clientId}`;
    this.#will = this.world.ledger.add(this.clientId, topic, qos);
    this.#isPromised = this.#hasLeft = false;
    return {
      clean: !this.#isDurable,
      will: { topic, payload: `${this.#will.key} will`, qos },
      ...(this.level === 5 && this.#isDurable ? { properties: DURABLE } : {}),
    };
  }

  protected override connected(): void {
    this.#isPromised = true;
  }

  protected override take(): void {}

  /** However it came to this: a client that has not said goodbye has lost its connection. */
  protected override lost(): void {
    if (this.#isPromised && !this.#hasLeft) this.#will!.promisedAt = this.world.ledger.tick();
  }

  protected override async leaveLater(wire: Wire): Promise<void> {
    await this.world.away(this.random, STAY_MS);
    if (wire.isClosed) return;
    const how = this.random.pick(["disconnect", "drop"] as const);
    this.#hasLeft = how === "disconnect";
    this.leave(wire, how);
  }

  protected override between(): Promise<void> {
    return this.world.pause(this.random, 100);
  }
}
