import { type Authorizer, Broker, type Clock } from "../../mod.ts";
import type { BytePipe } from "../harness/byte_pipe.ts";
import { Random } from "../harness/random.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { VirtualNetwork } from "../harness/virtual_network.ts";
import { Ledger } from "./ledger.ts";
import type { Scenario } from "./scenario.ts";

/** The virtual clock as the broker gets it: it counts what the broker still waits for. */
class BrokerClock implements Clock {
  pending = 0;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  schedule(atMs: number, callback: () => void): () => void {
    this.pending++;
    let isPending = true;
    const done = () => {
      if (isPending) this.pending--;
      isPending = false;
    };
    const cancel = this.#clock.schedule(atMs, () => {
      done();
      callback();
    });
    return () => {
      done();
      cancel();
    };
  }
}

/** All that a simulation consists of, beside the clients. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly ledger: Ledger;
  readonly network: VirtualNetwork;
  readonly broker: Broker;
  /** Whether the broker is being closed. */
  isClosing = false;
  /** Whether the clients do nothing more, not even keep their connections alive. */
  isOver = false;
  readonly #brokerClock = new BrokerClock(this.clock);

  /** @param keepsJournal Whether the ledger writes the packets down. */
  constructor(readonly scenario: Scenario, keepsJournal: boolean) {
    this.ledger = new Ledger(() => this.clock.now(), keepsJournal);
    const random = new Random(scenario.seed ^ 0x5eed);
    this.broker = new Broker({
      clock: this.#brokerClock,
      random: () => random.next(),
      limits: scenario.limits,
      overflow: scenario.overflow ?? "end-session",
      authorizer: scenario.authorizerMsMax > 0 ? this.#slowAuthorizer(random.fork()) : null,
      hooks: { failed: (error) => this.ledger.fault(`broker failed: ${stackOf(error)}`) },
    });
    this.network = new VirtualNetwork({
      ...scenario.network,
      seed: scenario.seed,
      clock: this.clock,
      accept: (pipe, { number }) => this.#accept(pipe, number),
    });
  }

  /** What the broker has scheduled on its clock. */
  get brokerDeadlines(): number {
    return this.#brokerClock.pending;
  }

  /** Resolves when the clock has moved on by `ms`. */
  delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.schedule(this.clock.now() + ms, resolve);
    });
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
    const half = closeWrite !== undefined && this.scenario.hasHalfClose ? { closeWrite } : {};
    this.broker.accept({ read, write, close, ...half }, { address: `virtual:${number}` });
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
