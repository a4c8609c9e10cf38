import type { Link } from "../../../cluster/link.ts";
import { Random } from "../../harness/random.ts";
import { VirtualClock } from "../../harness/virtual_clock.ts";
import { VirtualConnection } from "../../harness/virtual_network.ts";
import { VirtualPipe } from "../../harness/virtual_pipe.ts";
import { Ledger } from "../../sim/ledger.ts";
import type { ClusterScenario, Misfortune } from "./cluster_scenario.ts";
import { NodeWorld } from "./node_world.ts";

/** How long it takes to find out that a link has ended, and to make another, in milliseconds. */
const RELINK_MS_MAX = 20;

/** A link between two nodes, as the world sees it. */
interface Wiring {
  readonly connections: readonly VirtualConnection[];
}

/** All nodes, and the links between them. */
export class ClusterWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly ledger: Ledger;
  readonly nodes: readonly NodeWorld[];
  /** How often a link was cut, or ended with a node. */
  ruptures = 0;
  readonly #random: Random;
  readonly #wirings = new Map<string, Wiring>();
  /** Since when not all nodes are joined; `null` while they are. */
  #apartAt: number | null = 0;
  #made = 0;

  /** @param keepsJournal Whether the ledger writes the packets down. */
  private constructor(readonly scenario: ClusterScenario, keepsJournal: boolean) {
    this.ledger = new Ledger(() => this.clock.now(), keepsJournal);
    this.#random = new Random(scenario.seed ^ 0x11bb);
    this.nodes = Array.from(
      { length: scenario.nodes },
      (_, number) => new NodeWorld(number, scenario, this.clock, this.ledger),
    );
  }

  /** Makes a world in which all nodes are up and joined. */
  static async create(scenario: ClusterScenario, keepsJournal: boolean): Promise<ClusterWorld> {
    const world = new ClusterWorld(scenario, keepsJournal);
    for (const node of world.nodes) await node.boot();
    for (const [one, other] of world.#pairs()) world.#link(one, other);
    if (!await world.clock.advanceUntil(() => world.isJoined, 60_000)) {
      world.ledger.fault("the nodes do not join at the start");
    }
    return world;
  }

  /** Whether every node is up, and joined with every other one. */
  get isJoined(): boolean {
    return this.nodes.every(({ cluster }) => cluster?.isJoined === true);
  }

  /** Whether QoS 0 messages were let go for a subscriber, or a node, that lagged. */
  get hasLagged(): boolean {
    return this.nodes.some((node) => node.hasLagged || node.broker.stats.dropped.lag > 0);
  }

  /** Has misfortunes come when the scenario says. */
  schedule(): void {
    const { kills, cuts } = this.scenario;
    for (const kill of kills) {
      this.#at(kill, () => void this.#kill(this.nodes[kill.node]!, kill.downMs));
    }
    for (const cut of cuts) {
      this.#at(cut, () => this.#cut(this.nodes[cut.one]!, this.nodes[cut.other]!, cut.downMs));
    }
  }

  /** Ends all links. */
  close(): void {
    this.#wirings.clear();
    for (const { cluster } of this.nodes) cluster?.close();
  }

  #at({ atMs, steps }: Misfortune, act: () => void): void {
    const { clock } = this;
    const dueMs = clock.now() + atMs;
    const step = (left: number) =>
      left === 0 ? act() : void clock.schedule(dueMs, () => step(left - 1));
    clock.schedule(dueMs, () => step(steps));
  }

  async #kill(node: NodeWorld, downMs: number): Promise<void> {
    if (!node.isUp) return;
    node.kill();
    node.hasJoined = false;
    for (const other of this.nodes) if (other !== node) this.#rupture(node, other);
    this.#letClientsIn();
    if (downMs > 0) await node.delay(downMs);
    await node.boot();
    for (const other of this.nodes) if (other !== node) this.#linkLater(node, other, 0);
  }

  #cut(one: NodeWorld, other: NodeWorld, downMs: number): void {
    if (!this.#wirings.has(keyOf(one, other))) return;
    this.ledger.note(() => `the link of ${one.number} and ${other.number} is cut`);
    this.#rupture(one, other);
    this.#linkLater(one, other, downMs);
  }

  #rupture(one: NodeWorld, other: NodeWorld): void {
    const wiring = this.#wirings.get(keyOf(one, other));
    if (wiring === undefined) return;
    this.#wirings.delete(keyOf(one, other));
    this.ruptures++;
    this.#apartAt ??= this.ledger.tick();
    for (const connection of wiring.connections) connection.cut();
  }

  #linkLater(one: NodeWorld, other: NodeWorld, downMs: number): void {
    const atMs = this.clock.now() + downMs + this.#random.integer(0, RELINK_MS_MAX);
    this.clock.schedule(atMs, () => this.#link(one, other));
  }

  #link(one: NodeWorld, other: NodeWorld): void {
    if (!one.isUp || !other.isUp || this.#wirings.has(keyOf(one, other))) return;
    const [messages, control] = [this.#connect(), this.#connect()];
    const wiring = { connections: [messages, control] };
    this.#wirings.set(keyOf(one, other), wiring);
    const near: Link = { messages: messages.client, control: control.client };
    const far: Link = { messages: messages.server, control: control.server };
    const ends = [one.cluster!.join(other.number, near), other.cluster!.join(one.number, far)];
    for (const end of ends) {
      end.whenJoined().then((isJoined) => {
        if (isJoined) this.#onJoined();
      });
      end.whenEnded().then((error) => {
        if (this.#wirings.get(keyOf(one, other)) !== wiring) return;
        // Neither a node nor the network has ended it.
        this.ledger.fault(`the link of ${one.number} and ${other.number} ends: ${error}`);
      });
    }
  }

  /**
   * Two nodes are joined. If all are, every node knows every subscription. What was answered while
   * they were not may have been unknown somewhere until now.
   */
  #onJoined(): void {
    this.#letClientsIn();
    if (!this.isJoined || this.#apartAt === null) return;
    this.ledger.note(() => "all nodes are joined");
    const at = this.ledger.tick();
    for (const { subscriptions } of this.ledger.sessions) {
      for (const record of subscriptions) {
        if (record.grantedAt > this.#apartAt && record.grantedAt < at) record.grantedAt = at;
      }
    }
    this.#apartAt = null;
  }

  /** A node takes clients when it was joined with all nodes that are up. */
  #letClientsIn(): void {
    for (const node of this.nodes) {
      const others = this.nodes.filter((other) => other !== node && other.isUp);
      node.hasJoined ||= node.isUp &&
        others.every(({ number }) => node.cluster!.peer(number)?.isJoined === true);
    }
  }

  #connect(): VirtualConnection {
    const pipe = () =>
      new VirtualPipe(this.clock, this.#random.fork(), this.scenario.link, () => {});
    return new VirtualConnection(this.#made++, pipe(), pipe(), () => {});
  }

  *#pairs(): Generator<[NodeWorld, NodeWorld]> {
    for (const one of this.nodes) {
      for (const other of this.nodes) if (one.number < other.number) yield [one, other];
    }
  }
}

function keyOf(one: NodeWorld, other: NodeWorld): string {
  return [one.number, other.number].sort().join(" ");
}
