import type { Authenticator, Authorizer } from "../../auth/mod.ts";
import { BrokerParts } from "../../broker/broker_parts.ts";
import { Acceptor } from "../../broker/listen/acceptor.ts";
import { openStore } from "../../broker/durable/open_store.ts";
import type { BrokerHooks } from "../../broker/base/hooks.ts";
import type { BrokerLimits, OverflowPolicy } from "../../broker/base/limits.ts";
import { settingsOf } from "../../broker/base/options.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import { Random } from "../harness/random.ts";
import type { VirtualClock } from "../harness/virtual_clock.ts";
import { InstantPipe } from "../harness/instant_pipe.ts";
import { KernelSockets } from "../harness/kernel_sockets.ts";

const POLICIES = ["end-session", "refuse-publisher", "drop-oldest", "drop-newest"] as const;

/** A broker that is about to be maltreated, opened up so that its insides can be looked at. */
export class Target {
  readonly parts: BrokerParts;
  readonly limits: BrokerLimits;
  readonly overflow: OverflowPolicy;
  readonly writeBytesMax: number;
  readonly #acceptor: Acceptor;
  readonly #isLenient: boolean;
  readonly #isDurable: boolean;
  /** The kernel with its native sockets, if the broker has some. */
  readonly #kernel: KernelSockets | null;
  #opened = 0;

  /**
   * @param number Decides on everything that a broker can be told.
   * @param hooks Get to know what the broker does.
   */
  constructor(number: number, clock: VirtualClock, hooks: BrokerHooks) {
    const random = new Random(number);
    this.overflow = random.pick(POLICIES);
    this.#isLenient = random.chance(0.2);
    this.#isDurable = random.chance(0.25);
    this.writeBytesMax = random.pick([1_000_000, 1_000_000, 1000, 7]);
    const settings = settingsOf({
      clock,
      hooks,
      random: () => random.next(),
      limits: limitsOf(random),
      overflow: this.overflow,
      publishRateExceeded: random.pick(["slow-down", "slow-down", "disconnect"] as const),
      authenticator: random.chance(0.4) ? authenticatorOn(clock) : tolerant,
      authorizer: random.pick([null, null, now, later]),
      maximumQoS: random.pick([2, 2, 2, 1, 0]),
      retainAvailable: !random.chance(0.1),
      wildcardSubscriptionAvailable: !random.chance(0.05),
      sharedSubscriptionAvailable: !random.chance(0.05),
      subscriptionIdentifiersAvailable: !random.chance(0.05),
      responseInformation: random.pick([null, "r/"]),
    });
    this.limits = settings.limits;
    // From a generator of its own: what a number decided before, it decides still.
    const chance = new Random(number ^ 0x50c);
    this.#kernel = chance.chance(0.3)
      ? new KernelSockets(clock, chance, (error) => hooks.failed?.(error))
      : null;
    this.parts = new BrokerParts(settings);
    this.#acceptor = new Acceptor(this.parts);
  }

  /** Has what must survive written to a store, if that is one of the settings. */
  async start(): Promise<void> {
    if (this.#isDurable) await openStore(this.parts, new MemoryStore());
  }

  /** Stops: nothing of it goes on. */
  async stop(): Promise<void> {
    await this.parts.journal?.close();
    this.parts.stop();
  }

  /** Opens a connection. */
  open(sink: (bytes: Uint8Array) => void): InstantPipe {
    return this.#accept(this.writeBytesMax, sink, `192.0.2.${1 + this.#opened++ % 3}:4000`);
  }

  /** Opens one of a client that is in nobody's way, and that is not counted. */
  openAside(sink: (bytes: Uint8Array) => void): InstantPipe {
    return this.#accept(Infinity, sink, "127.0.0.1:4000");
  }

  #accept(writeBytesMax: number, sink: (bytes: Uint8Array) => void, address: string): InstantPipe {
    const pipe = new InstantPipe(writeBytesMax, sink);
    this.#acceptor.accept(this.#kernel?.connect(pipe) ?? pipe, {
      address,
      lenient: this.#isLenient,
    });
    return pipe;
  }
}

function limitsOf(random: Random): Partial<BrokerLimits> {
  return {
    connectionsMax: random.pick([7, 100]),
    connectTimeoutMs: 5000,
    connectBytesMax: random.pick([2000, 64_000]),
    packetBytesMax: random.pick([300, 4000, 100_000]),
    sessionExpirySecondsMax: 10,
    sessionsMax: random.pick([4, 100]),
    subscriptionsMax: random.pick([2, 100]),
    receiveMaximum: random.pick([1, 3, 100]),
    inflightMax: random.pick([1, 3, 100]),
    topicAliasMax: random.pick([0, 2, 64]),
    topicLevelsMax: random.pick([2, 200]),
    backlogMessagesMax: random.pick([1, 4, 1000]),
    backlogBytesMax: random.pick([300, 100_000]),
    lagBytesMax: random.pick([500, 100_000]),
    highWaterBytes: random.pick([300, 50_000]),
    stallMs: 500,
    lingerMs: 1000,
    retainedMessagesMax: random.pick([1, 3, 100]),
    retainedBytesMax: random.pick([200, 100_000]),
    routesMax: random.pick([2, 100]),
    turnMsMax: random.pick([0, 0, 2]),
    ...guardsOf(random),
  };
}

/** Limits that keep clients from doing harm; in half of all cases none that is often reached. */
function guardsOf(random: Random): Partial<BrokerLimits> {
  // Whoever looks at the time again and again makes a case take ten times as long.
  const loopLagMs = random.chance(0.02) ? 1000 : 0;
  if (random.chance(0.5)) return { controlBytesMax: 1000, loopLagMs, drainMs: 0 };
  return {
    loopLagMs,
    handshakesMax: random.pick([3, 100]),
    addressConnectionsMax: random.pick([2, 100]),
    addressHandshakesMax: random.pick([1, 100]),
    addressConnectsPerSecondMax: random.pick([1, 500]),
    addressConnectsBurst: random.pick([3, 100]),
    connectsPerSecondMax: random.pick([2, 0]),
    addressesMax: random.pick([2, 100]),
    loginFailuresMax: random.pick([1, 5]),
    loginForgetMs: 2000,
    loginDelayMs: 700,
    loginsDelayedMax: random.pick([1, 8]),
    takeOversMax: random.pick([1, 3, 50]),
    takeOverForgetMs: 2000,
    takeOverDelayMs: 700,
    flappingClientsMax: random.pick([2, 100]),
    publishesPerSecondMax: random.pick([0, 2, 100]),
    publishBytesPerSecondMax: random.pick([0, 100, 10_000]),
    userPropertiesMax: random.pick([0, 3, 1024]),
    userPropertyBytesMax: random.pick([20, 65_536]),
    filtersPerPacketMax: random.pick([1, 2, 1024]),
    topicBytesMax: random.pick([5, 65_535]),
    controlBytesMax: random.pick([4, 1000]),
    drainMs: random.pick([0, 0, 4000]),
  };
}

const tolerant: Authenticator = {
  authenticate: ({ username }) => ({ reasonCode: username === "bad" ? 0x86 : 0 }),
};

/** Asks some clients again and again, and takes its time over others. */
function authenticatorOn(clock: VirtualClock): Authenticator {
  const delay = () =>
    new Promise<void>((resolve) => void clock.schedule(clock.now() + 100, resolve));
  return {
    authenticate: async ({ username }) => {
      if (username === "slow") await delay();
      return { reasonCode: username === "bad" ? 0x87 : 0 };
    },
    begin: (method) => {
      if (method !== "M") return null;
      let steps = 0;
      return {
        next: (data) => {
          steps++;
          if ((data?.[0] ?? 0) > 200) return { kind: "failure", reasonCode: 0x87 };
          if (steps < 2) return { kind: "continue", data: Uint8Array.of(steps) };
          return { kind: "success", data: Uint8Array.of(steps) };
        },
      };
    },
  };
}

/** Neither what is under `b` nor the will of anybody there; what asks for a promise gets one. */
const now: Authorizer = {
  mayPublish: (_, { topic }) => !topic.startsWith("b/") && topic !== "b",
  maySubscribe: (_, { filter }) => filter !== "b",
};
const later: Authorizer = {
  mayPublish: (client, request) => Promise.resolve(now.mayPublish(client, request)),
  maySubscribe: (client, request) => Promise.resolve(now.maySubscribe(client, request)),
};
