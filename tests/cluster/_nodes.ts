import type { ReaderHello, StreamsHome } from "../../broker/base/stream_reader.ts";
import type { Broker, BrokerOptions, StreamOptions } from "../../mod.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import { Cluster } from "../../cluster/cluster.ts";
import type { Link } from "../../cluster/link.ts";
import type { Peer } from "../../cluster/peer.ts";
import type { StoreSnapshot } from "../../store/mod.ts";
import { Random } from "../harness/random.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { VirtualConnection } from "../harness/virtual_network.ts";
import { type PipeConditions, VirtualPipe } from "../harness/virtual_pipe.ts";
import { Life } from "../sim/life.ts";
import { NodeClient, type NodeClientOptions } from "./_client.ts";

/** What the nodes of a test are like; everything not given is plain. */
export interface NodesOptions {
  readonly seed?: number;
  /** What others have left on the disks; nothing by default. */
  readonly disks?: readonly StoreSnapshot[];
  /** The time; by default it begins with the nodes. */
  readonly clock?: VirtualClock;
  /** How long a commit takes at most, in milliseconds; without it the nodes have no store. */
  readonly commitMsMax?: number;
  /** What the links are like. */
  readonly conditions?: PipeConditions;
  readonly broker?: BrokerOptions;
  /** Streams, which the first node has for all. */
  readonly streams?: readonly StreamOptions[];
  /** Whether each client is on the node that owns it; by default tests choose. */
  readonly isOwned?: boolean;
}

/** A node that is up. */
interface Running {
  readonly life: Life;
  readonly cluster: Cluster;
  readonly clients: Set<NodeClient>;
}

/** The pipes of a link between two nodes. */
interface Wiring {
  readonly messages: VirtualConnection;
  readonly control: VirtualConnection;
  /** Those for clients that read streams of the other node. */
  readonly readers: VirtualConnection[];
}

/** Brokers that are nodes of a cluster, over links in memory, on virtual time. */
export class Nodes implements AsyncDisposable {
  readonly clock: VirtualClock;
  /** Internal errors of nodes that had not been killed. */
  readonly errors: unknown[] = [];
  readonly #count: number;
  readonly #options: NodesOptions;
  readonly #random: Random;
  readonly #running: (Running | null)[];
  readonly #disks: (StoreSnapshot | null)[];
  readonly #wirings = new Map<string, Wiring>();
  #connections = 0;

  private constructor(count: number, options: NodesOptions) {
    this.#count = count;
    this.#options = options;
    this.clock = options.clock ?? new VirtualClock();
    this.#random = new Random(options.seed ?? 1);
    this.#running = Array.from({ length: count }, () => null);
    this.#disks = Array.from({ length: count }, (_, i) => options.disks?.[i] ?? null);
  }

  /** Starts nodes that are linked, each with each, and joined. */
  static async start(count: number, options: NodesOptions = {}): Promise<Nodes> {
    const nodes = new Nodes(count, options);
    for (let i = 0; i < count; i++) await nodes.boot(i);
    nodes.linkAll();
    await nodes.untilJoined();
    return nodes;
  }

  /** The broker of a node that is up. */
  broker(node: number): Broker {
    return this.#up(node).life.broker;
  }

  /** A node that is up, as part of the cluster. */
  cluster(node: number): Cluster {
    return this.#up(node).cluster;
  }

  /** Whether a node is up. */
  isUp(node: number): boolean {
    return this.#running[node] !== null;
  }

  /** Starts a node, with what is on its disk, and without links. */
  async boot(node: number): Promise<void> {
    const { commitMsMax, broker } = this.#options;
    const random = this.#random.fork();
    let running: Running | null = null;
    const options: BrokerOptions = {
      random: () => random.next(),
      ...broker,
      hooks: {
        ...broker?.hooks,
        failed: (error) => {
          if (running === null || this.#running[node] === running) this.errors.push(error);
        },
      },
    };
    const life = commitMsMax === undefined
      ? Life.inMemory(this.clock, options)
      : await Life.onDisk(this.clock, options, this.#disks[node]!, commitMsMax, random.fork());
    const cluster = new Cluster(life.broker.nodePort, { node, nodes: this.#count });
    this.#running[node] = running = { life, cluster, clients: new Set() };
    const { streams } = this.#options;
    if (streams === undefined) return;
    if (node > 0) life.broker.nodePort.readers.readAt(this.#homeFor(node));
    else for (const stream of streams) await life.broker.declareStream(stream);
  }

  /** The first node, as another one reads its streams. */
  #homeFor(node: number): StreamsHome {
    const wiring = () => this.#wirings.get(keyOf(0, node));
    return {
      get isUp() {
        return wiring() !== undefined;
      },
      open: (hello: ReaderHello) => {
        const connection = this.#connect();
        wiring()!.readers.push(connection);
        this.broker(0).nodePort.readers.accept(hello, connection.server, null);
        return connection.client;
      },
      end: (clientId) => {
        if (wiring() !== undefined) this.broker(0).nodePort.readers.end(clientId);
      },
    };
  }

  /** The first node and another one agree on who reads streams. */
  #joinReaders(node: number): void {
    if (this.#options.streams === undefined) return;
    const { readers } = this.broker(node).nodePort;
    // If tests choose the node of each client, only two nodes of them read streams.
    const livesThere = (clientId: string) =>
      this.#options.isOwned !== true || ownerOf(clientId, this.#count) === node;
    this.broker(0).nodePort.readers.keep(livesThere, readers.clientIds);
    readers.onUp();
  }

  /** Links two nodes that are up. Returns both ends. */
  link(one: number, other: number): [Peer, Peer] {
    this.cut(one, other);
    const wiring: Wiring = { messages: this.#connect(), control: this.#connect(), readers: [] };
    this.#wirings.set(keyOf(one, other), wiring);
    if (one === 0) this.#joinReaders(other);
    const { messages, control } = wiring;
    const near: Link = { messages: messages.client, control: control.client };
    const far: Link = { messages: messages.server, control: control.server };
    return [this.cluster(one).join(other, near), this.cluster(other).join(one, far)];
  }

  /** Links all nodes that are up and not linked. */
  linkAll(): void {
    for (let one = 0; one < this.#count; one++) {
      for (let other = one + 1; other < this.#count; other++) {
        if (!this.isUp(one) || !this.isUp(other) || this.isLinked(one, other)) continue;
        this.link(one, other);
      }
    }
  }

  /** Whether neither of two nodes has seen the end of their link. */
  isLinked(one: number, other: number): boolean {
    return this.#wirings.has(keyOf(one, other));
  }

  /** Cuts the link between two nodes: what is under way is lost. */
  cut(one: number, other: number): void {
    const wiring = this.#wirings.get(keyOf(one, other));
    this.#wirings.delete(keyOf(one, other));
    wiring?.messages.cut();
    wiring?.control.cut();
    for (const reader of wiring?.readers ?? []) reader.cut();
  }

  /** Ends a node as a power failure does. Its disk stays. */
  kill(node: number): void {
    const { life, clients } = this.#up(node);
    this.#running[node] = null;
    if (this.#options.commitMsMax !== undefined) this.#disks[node] = life.crash(this.#random);
    else life.stop();
    for (let other = 0; other < this.#count; other++) this.cut(node, other);
    for (const client of clients) client.cut();
  }

  /** What nodes that are down have left on their disks. */
  get disks(): StoreSnapshot[] {
    return this.#disks.map((disk) => disk!);
  }

  /** Advances until all nodes that are up are joined with each other. */
  async untilJoined(): Promise<void> {
    const isJoined = () => {
      for (let one = 0; one < this.#count; one++) {
        for (let other = 0; other < this.#count; other++) {
          if (one === other || !this.isUp(one) || !this.isUp(other)) continue;
          if (this.cluster(one).peer(other)?.isJoined !== true) return false;
        }
      }
      return true;
    };
    if (!await this.clock.advanceUntil(isJoined, 600_000)) throw new Error("The nodes do not join");
  }

  /** Connects a client to a node, and waits until it is accepted. */
  async client(node: number, clientId: string, options: NodeClientOptions = {}) {
    const client = NodeClient.open(this.broker(node), clientId, options);
    this.#up(node).clients.add(client);
    await this.until(() => client.connack !== null, `${clientId} is accepted`);
    return client;
  }

  /** Advances until a condition holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    if (await this.clock.advanceUntil(condition, 600_000)) return;
    throw new Error(`It does not come to pass that ${what}`);
  }

  /** Advances until nothing is under way any more. */
  async settle(): Promise<void> {
    await this.clock.advance(5000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) {
      if (running === null) continue;
      running.cluster.close();
      const closed = running.life.broker.close({ graceMs: 0 });
      await this.clock.advance(10_000);
      await closed;
    }
  }

  #up(node: number): Running {
    const running = this.#running[node];
    if (!running) throw new Error(`Node ${node} is down`);
    return running;
  }

  #connect(): VirtualConnection {
    const conditions = this.#options.conditions ?? { maxDelayMs: 2, windowBytes: 65_536 };
    const pipe = () => new VirtualPipe(this.clock, this.#random.fork(), conditions, () => {});
    return new VirtualConnection(this.#connections++, pipe(), pipe(), () => {});
  }
}

function keyOf(one: number, other: number): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
