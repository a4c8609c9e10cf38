import type { Broker, BrokerOptions } from "../../mod.ts";
import type { Authorizer } from "../../auth/mod.ts";
import type { StoreSnapshot } from "../../store/mod.ts";
import type { BytePipe } from "../harness/byte_pipe.ts";
import { Random } from "../harness/random.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { KernelSockets } from "../harness/kernel_sockets.ts";
import { VirtualNetwork } from "../harness/virtual_network.ts";
import { type GroupBook, groupBookOf } from "./group_book.ts";
import { GroupProgram, LOST } from "./group_program.ts";
import { Ledger } from "./ledger.ts";
import { BEGAN_MS, Life } from "./life.ts";
import type { Scenario } from "./scenario.ts";
import { type Ends, StreamBook } from "./stream_book.ts";
import { StreamProgram } from "./stream_program.ts";

/** All that a simulation consists of, beside the clients. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly ledger: Ledger;
  readonly network: VirtualNetwork;
  /** The kernel of the broker's process, if it has native sockets: it ends what a crash leaves open. */
  #kernel: KernelSockets | null;
  /** Calls on sockets that were not open, of earlier processes. */
  #earlierMisuses = 0;
  /** What is known of the stream; `null` without one. */
  readonly book: StreamBook | null;
  /** What is known of the groups that read it. */
  readonly groups: readonly GroupBook[];
  /** Whether the broker is being closed. */
  isClosing = false;
  /** Whether the clients do nothing more, not even keep their connections alive. */
  isOver = false;
  readonly #random: Random;
  readonly #options: BrokerOptions;
  /** The broker as it is now; `null` while it is down. */
  #life: Life | null = null;
  /** Whether an earlier one has let QoS 0 messages go. */
  #hasLagged = false;
  readonly #program: StreamProgram | null;
  readonly #groupProgram: GroupProgram | null;
  #ends: Ends = { first: 1, last: 0, stored: 0, nowMs: BEGAN_MS };

  /** @param keepsJournal Whether the ledger writes the packets down. */
  private constructor(readonly scenario: Scenario, keepsJournal: boolean) {
    this.ledger = new Ledger(() => this.clock.now(), keepsJournal);
    const random = new Random(scenario.seed ^ 0x5eed);
    this.#random = random.fork();
    this.#options = {
      random: () => random.next(),
      limits: scenario.limits,
      overflow: scenario.overflow ?? "end-session",
      authorizer: scenario.authorizerMsMax > 0 ? this.#slowAuthorizer(random.fork()) : null,
    };
    const { stream } = scenario;
    this.book = stream === null ? null : new StreamBook(this.ledger);
    this.#program = stream === null
      ? null
      : new StreamProgram(this, stream, this.book!, new Random(scenario.seed ^ 0x9209));
    this.groups = (stream?.groups.groups ?? []).map(groupBookOf);
    this.#groupProgram = this.groups.length === 0
      ? null
      : new GroupProgram(this, stream!.name, this.groups);
    this.#kernel = this.#boot(random.fork());
    this.network = new VirtualNetwork({
      ...scenario.network,
      seed: scenario.seed,
      clock: this.clock,
      accept: (pipe, { number }) => this.#accept(pipe, number),
    });
  }

  /** Makes a world in which the broker is up. */
  static async create(scenario: Scenario, keepsJournal: boolean): Promise<World> {
    const world = new World(scenario, keepsJournal);
    await world.#start(null);
    return world;
  }

  /** The broker. It must be up. */
  get broker(): Broker {
    return this.#life!.broker;
  }

  /** Whether QoS 0 messages were let go for a subscriber that lagged. */
  get hasLagged(): boolean {
    return this.#hasLagged || this.broker.stats.dropped.lag > 0;
  }

  /** Sockets that are open, and calls on sockets that are not. */
  get socketFaults(): number {
    if (this.#kernel === null) return 0;
    return this.#kernel.size + this.#kernel.libc.misuses.length + this.#earlierMisuses;
  }

  /** What the broker has scheduled on its clock. */
  get brokerDeadlines(): number {
    return this.#life!.deadlines;
  }

  /** The time of the wall clock, in milliseconds since 1970. */
  get nowMs(): number {
    return BEGAN_MS + this.clock.now();
  }

  /** When the simulation began, by the wall clock. */
  get beganMs(): number {
    return BEGAN_MS;
  }

  /** Where the stream begins and ends; while the broker is down, as it was. */
  get ends(): Ends {
    const stream = this.#life?.broker.stream(this.scenario.stream!.name);
    if (stream) {
      const { first, last } = stream;
      this.#ends = { first, last, stored: this.book!.read, nowMs: this.nowMs };
    }
    return { ...this.#ends, nowMs: this.nowMs };
  }

  /** Nothing moves any more. */
  settled(): void {
    if (this.book === null) return;
    this.book.begins(this.ends.first);
    this.#program!.settled();
  }

  /** The power fails, and is there again after a while. */
  async crash(downMs: number): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    this.ledger.note(() => "the broker crashes");
    this.ledger.crashedMs.push(this.clock.now());
    this.#life = null;
    this.#program?.stop();
    this.#groupProgram?.stop();
    this.#hasLagged ||= life.broker.stats.dropped.lag > 0;
    const left = life.crash(this.#random);
    for (const connection of [...this.network.connections]) connection.cut();
    if (this.#kernel !== null) {
      this.#earlierMisuses += this.#kernel.libc.misuses.length;
      this.#kernel = this.#boot(this.#random.fork());
    }
    if (downMs > 0) await this.delay(downMs);
    await this.#start(left);
    this.ledger.note(() => "the broker is up again");
  }

  /** Resolves when the clock has moved on by `ms`. */
  delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.schedule(this.clock.now() + ms, resolve);
    });
  }

  #boot(random: Random): KernelSockets | null {
    if (!this.scenario.hasNativeSockets) return null;
    return new KernelSockets(this.clock, random, (error) => {
      this.ledger.fault(`event loop failed: ${stackOf(error)}`);
    });
  }

  async #start(left: StoreSnapshot | null): Promise<void> {
    const { disk, stream } = this.scenario;
    const life: { now?: Life } = {};
    const hooks = {
      failed: (error: unknown) => {
        // What one that has crashed makes of that concerns nobody.
        if (life.now === undefined || life.now === this.#life) {
          this.ledger.fault(`broker failed: ${stackOf(error)}`);
        }
      },
    };
    const options = { ...this.#options, hooks };
    const started = disk === null
      ? Life.inMemory(this.clock, options)
      : await Life.onDisk(this.clock, options, left, disk.commitMsMax, this.#random.fork());
    life.now = started;
    if (stream !== null) {
      const { name, filters, exclude, retention, groups: { groups, hasDead, maxDeliver } } = stream;
      const declared = { name, filters, exclude, ...retention, maxDeliver };
      const isDeadKept = hasDead && groups.length > 0;
      if (isDeadKept) {
        await started.broker.declareStream({ name: LOST, filters: [], maxMessages: 1_000_000 });
      }
      const more = {
        exclusiveGroups: groups.filter(({ isExclusive }) => isExclusive).map(({ name }) => name),
        ...(isDeadKept ? { dead: LOST } : {}),
      };
      this.#program!.start(await started.broker.declareStream({ ...declared, ...more }));
      this.#groupProgram?.start(started.broker);
    }
    this.#life = started;
  }

  /** Allows everything, as often as not only after a while. */
  #slowAuthorizer(random: Random): Authorizer {
    const { authorizerMsMax } = this.scenario;
    const allow = () =>
      random.chance(0.5) || this.delay(random.integer(0, authorizerMsMax)).then(() => true);
    return { mayPublish: allow, maySubscribe: allow };
  }

  #accept(pipe: BytePipe, number: number): void {
    const { read, write, close, closeWrite } = pipe;
    // Nobody listens while the broker is down.
    if (this.#life === null) return close();
    if (this.#kernel !== null) {
      const transport = this.#kernel.connect(pipe);
      return this.broker.accept(transport, { address: `virtual:${number}` });
    }
    const half = closeWrite !== undefined && this.scenario.hasHalfClose ? { closeWrite } : {};
    this.broker.accept({ read, write, close, ...half }, { address: `virtual:${number}` });
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
