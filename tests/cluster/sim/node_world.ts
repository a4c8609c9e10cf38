import type { Broker, BrokerOptions } from "../../../mod.ts";
import { Cluster } from "../../../cluster/cluster.ts";
import type { StoreSnapshot } from "../../../store/mod.ts";
import type { BytePipe } from "../../harness/byte_pipe.ts";
import { Random } from "../../harness/random.ts";
import type { VirtualClock } from "../../harness/virtual_clock.ts";
import { VirtualNetwork } from "../../harness/virtual_network.ts";
import type { ClientWorld } from "../../sim/client_world.ts";
import type { Ledger } from "../../sim/ledger.ts";
import { Life } from "../../sim/life.ts";
import type { ClusterScenario } from "./cluster_scenario.ts";

/** One node: its broker from life to life, and the network by which its clients come. */
export class NodeWorld implements ClientWorld {
  readonly clock: VirtualClock;
  readonly ledger: Ledger;
  readonly network: VirtualNetwork;
  /** Whether this broker has been joined with all others that were up. Set by the world. */
  hasJoined = false;
  isClosing = false;
  isOver = false;
  /** Whether an earlier broker has let QoS 0 messages go. */
  hasLagged = false;
  readonly #random: Random;
  #life: Life | null = null;
  #cluster: Cluster | null = null;
  #left: StoreSnapshot | null = null;

  constructor(
    readonly number: number,
    readonly scenario: ClusterScenario,
    clock: VirtualClock,
    ledger: Ledger,
  ) {
    this.clock = clock;
    this.ledger = ledger;
    const random = new Random(scenario.seed ^ 0x5eed + number);
    this.#random = random.fork();
    this.network = new VirtualNetwork({
      ...scenario.network,
      seed: scenario.seed * 16 + number,
      clock,
      accept: (pipe, { number }) => this.#accept(pipe, number),
    });
  }

  /** Whether its process is there. */
  get isUp(): boolean {
    return this.#life !== null;
  }

  /** The broker. It must be up. */
  get broker(): Broker {
    return this.#life!.broker;
  }

  /** The node as part of the cluster; `null` while it is down. */
  get cluster(): Cluster | null {
    return this.#cluster;
  }

  /** What the broker has scheduled on its clock. */
  get deadlines(): number {
    return this.#life?.deadlines ?? 0;
  }

  /** Starts the broker, with what an earlier one has left on its disk. */
  async boot(): Promise<void> {
    const { limits, disk, nodes, authorizerMsMax } = this.scenario;
    const random = this.#random.fork();
    const life: { now?: Life } = {};
    const options: BrokerOptions = {
      random: () => random.next(),
      limits,
      hooks: {
        failed: (error) => {
          // What one that was killed makes of that concerns nobody.
          if (life.now !== undefined && life.now !== this.#life) return;
          const text = error instanceof Error ? error.stack : String(error);
          this.ledger.fault(`node ${this.number} failed: ${text}`);
        },
      },
      ...(authorizerMsMax > 0 ? { authorizer: this.#slowAuthorizer() } : {}),
    };
    life.now = disk === null
      ? Life.inMemory(this.clock, options)
      : await Life.onDisk(this.clock, options, this.#left, disk.commitMsMax, random.fork());
    this.#life = life.now;
    this.#cluster = new Cluster(life.now.broker.nodePort, { node: this.number, nodes });
    this.ledger.note(() => `node ${this.number} is up`);
  }

  /** The power fails. */
  kill(): void {
    const life = this.#life!;
    this.ledger.note(() => `node ${this.number} is killed`);
    this.ledger.crashedMs.push(this.clock.now());
    this.#life = null;
    this.#cluster = null;
    this.hasLagged ||= life.broker.stats.dropped.lag > 0;
    this.#left = life.crash(this.#random);
    for (const connection of [...this.network.connections]) connection.cut();
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.schedule(this.clock.now() + ms, resolve);
    });
  }

  #slowAuthorizer() {
    const random = this.#random.fork();
    const allow = () =>
      random.chance(0.5) ||
      this.delay(random.integer(0, this.scenario.authorizerMsMax)).then(() => true);
    return { mayPublish: allow, maySubscribe: allow };
  }

  #accept(pipe: BytePipe, number: number): void {
    const { read, write, close, closeWrite } = pipe;
    if (this.#life === null || !this.hasJoined) return close();
    const half = closeWrite !== undefined && this.scenario.hasHalfClose ? { closeWrite } : {};
    this.broker.accept({ read, write, close, ...half }, { address: `virtual:${number}` });
  }
}
