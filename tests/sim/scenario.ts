import type { BrokerLimits, OverflowPolicy } from "../../mod.ts";
import { Random } from "../harness/random.ts";
import { type StreamPlan, streamPlanOf } from "./stream_plan.ts";

/** What a client is like. */
export interface ClientPlan {
  readonly clientId: string;
  readonly version: 4 | 5;
  /** Whether it may come back with the other version. */
  readonly changesVersion: boolean;
  /** How often it begins anew when it connects. */
  readonly cleanChance: number;
  /** How often it has its session outlive the connection. */
  readonly persistChance: number;
  readonly ackDelayMsMax: number;
  readonly keepAliveSeconds: number;
  /** How often an action publishes. */
  readonly publishChance: number;
  readonly qos: readonly (0 | 1 | 2)[];
}

/** How often, of a client's actions, something goes wrong. */
export interface Disorder {
  readonly disconnect: number;
  readonly crash: number;
  readonly takeOver: number;
  readonly stall: number;
}

/** A disk, and what happens to the machine it is in. */
export interface Disk {
  /** How long a commit takes at most. */
  readonly commitMsMax: number;
  /** When the broker crashes, and how long it stays down. */
  readonly crashes: readonly { readonly atMs: number; readonly downMs: number }[];
}

/** A simulation before it is run: everything that a seed decides at once. */
export interface Scenario {
  readonly seed: number;
  readonly clients: readonly ClientPlan[];
  readonly topics: readonly string[];
  readonly filters: readonly string[];
  /** Shared groups, each with its one filter. */
  readonly groups: readonly { readonly group: string; readonly filter: string }[];
  /** The lowest QoS with which anyone joins a group. */
  readonly groupQoSMin: 0 | 1;
  readonly limits: Partial<BrokerLimits>;
  /** What happens when a backlog is full, where the limits make that likely; else `null`. */
  readonly overflow: OverflowPolicy | null;
  /** What the disk of the broker is like, and when the power fails; `null` without a disk. */
  readonly disk: Disk | null;
  /** The stream that the broker keeps, and who reads it; `null` without one. */
  readonly stream: StreamPlan | null;
  /** How long it takes to find out what a client may do; 0 for no authorizer. */
  readonly authorizerMsMax: number;
  readonly network: { maxDelayMs: number; windowBytes: number; cutChance: number };
  /** Whether the broker can end its direction of a connection alone, as with TCP. */
  readonly hasHalfClose: boolean;
  /** Whether the broker has native sockets, over a kernel that is unkind. */
  readonly hasNativeSockets: boolean;
  readonly disorder: Disorder;
  /** How long the clients act, and how long they rest at most between two actions. */
  readonly activeMs: number;
  readonly restMsMax: number;
  readonly payloadBytesMax: number;
  /** How often a message is retained; 0.1 by default. */
  readonly retainChance?: number;
  /** Whether the broker is closed while everyone is connected. */
  readonly endsWithBroker: boolean;
}

const TOPICS = ["a/x", "a/y", "a/x/z", "a", "b/x", "b//y", "c"];
/** Topics that only shared groups subscribe to begin with it. */
export const POOL = "pool/";
const POOL_TOPICS = ["pool/x", "pool/y"];
const FILTERS = ["a/#", "a/+", "a/x", "b/+", "b/#", "a/+/z", "c", "kept/+", "kept/#", "will/+"];
/** These would also match what is meant for shared groups, which are counted apart. */
const GREEDY_FILTERS = ["#", "+/x", "+/+", "+/+/#"];
const GROUPS = [{ group: "one", filter: "pool/+" }, { group: "two", filter: "pool/#" }];
const POLICIES = ["end-session", "refuse-publisher", "drop-oldest", "drop-newest"] as const;
const CALM: Disorder = { disconnect: 0, crash: 0, takeOver: 0, stall: 0 };

/** Makes up a scenario from a seed. */
export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed);
  const isWide = random.chance(0.25);
  const overflow = random.chance(0.2) ? random.pick(POLICIES) : null;
  // Who does not know whether a session has ended cannot tell it from the next one.
  const isCalm = overflow === "end-session" || random.chance(0.25);
  const isShared = random.chance(0.4);
  const count = isWide ? random.integer(9, 13) : random.integer(2, 6);
  const plans = Array.from({ length: count }, (_, i) => clientPlan(random, `c${i}`, isWide, i));
  // In 3.1.1 a refusal ends the connection: who publishes to its own full session never gets out.
  const clients = overflow === "refuse-publisher" ? plans.map(onlyV5) : plans;
  // A narrow window makes for many pieces, and so for a long run.
  const windowBytes = random.pick([30, 200, 1000, 8192]);
  const stream = streamPlanOf(seed, windowBytes);
  return {
    seed,
    clients,
    topics: [...(isWide ? TOPICS.slice(0, 2) : TOPICS), ...(isShared ? POOL_TOPICS : [])],
    filters: isWide
      ? [...FILTERS.slice(0, 2), "will/+"]
      : isShared
      ? FILTERS
      : [...FILTERS, ...GREEDY_FILTERS],
    groups: isShared ? GROUPS : [],
    groupQoSMin: random.chance(0.7) ? 1 : 0,
    limits: {
      ...limitsOf(random, overflow !== null),
      ...memoryOf(new Random(seed ^ 0xcac4e)),
      ...turnsOf(new Random(seed ^ 0x70245)),
      ...(stream === null ? {} : { streamCacheBytesMax: stream.cacheBytesMax }),
    },
    overflow,
    disk: random.chance(0.6) ? diskOf(new Random(seed ^ 0xd15c), overflow) : null,
    stream,
    authorizerMsMax: random.pick([0, 0, 0, 0, 30]),
    network: {
      maxDelayMs: random.pick([0, 5, 20]),
      windowBytes,
      cutChance: isCalm ? 0 : random.pick([0, 0.001, 0.005, 0.02]),
    },
    hasHalfClose: random.chance(0.7),
    // From a generator of its own: the rest of a scenario stays what it was.
    hasNativeSockets: new Random(seed ^ 0x50c).chance(0.4),
    disorder: isCalm ? CALM : disorderOf(random),
    activeMs: isWide ? 500 : 1200,
    restMsMax: random.pick([50, 100, 300]),
    payloadBytesMax: random.pick(
      windowBytes < 1000 ? [10] : windowBytes < 8192 ? [10, 200] : [10, 1500],
    ),
    endsWithBroker: random.chance(0.3),
  };
}

function clientPlan(random: Random, clientId: string, isWide: boolean, index: number): ClientPlan {
  const version = isWide ? (random.chance(0.85) ? 5 : 4) : random.pick([4, 5] as const);
  return {
    clientId,
    version,
    changesVersion: random.chance(0.2),
    cleanChance: random.pick([0, 0, 0.1, 0.5]),
    persistChance: random.pick([0.2, 1, 1]),
    ackDelayMsMax: random.pick([0, 10, 150]),
    keepAliveSeconds: random.chance(0.15) ? 2 : 0,
    publishChance: isWide && index > 2 ? 0.02 : random.pick([0.1, 0.4, 0.7]),
    qos: random.pick([[0], [1], [2], [1, 2], [0, 1, 2]]),
  };
}

function diskOf(random: Random, overflow: OverflowPolicy | null): Disk {
  const count = random.pick([0, 1, 1, 2, 3]);
  // A crash between the end of a session and the CONNACK of the next one tells the client neither.
  const crashes = Array.from({ length: overflow === "end-session" ? 0 : count }, () => ({
    atMs: random.integer(20, 1150),
    downMs: random.pick([0, 10, 200]),
  }));
  return { commitMsMax: random.pick([0, 1, 10, 100]), crashes };
}

/** In every other run a turn is over after the first piece of work: whatever may wait does. */
function turnsOf(random: Random): Partial<BrokerLimits> {
  return random.chance(0.5) ? { turnMsMax: 0 } : {};
}

/** How little a broker with a disk may keep in memory too. */
function memoryOf(random: Random): Partial<BrokerLimits> {
  if (random.chance(0.5)) return {};
  return {
    storeCacheBytesMax: random.pick([0, 100, 5000]),
    journalBytesMax: random.pick([100, 5000, 100_000]),
  };
}

function onlyV5(plan: ClientPlan): ClientPlan {
  return { ...plan, version: 5, changesVersion: false };
}

function limitsOf(random: Random, isTight: boolean): Partial<BrokerLimits> {
  const limits: Partial<BrokerLimits> = {
    sessionExpirySecondsMax: 3600,
    inflightMax: random.pick([1, 3, 20, 1024]),
    receiveMaximum: random.pick([1, 5, 100]),
    topicAliasMax: random.pick([0, 2, 64]),
    routesMax: random.pick([2, 1000]),
    stallMs: 500,
    lingerMs: 1000,
  };
  if (isTight) limits.backlogMessagesMax = random.pick([2, 5, 20]);
  if (random.chance(0.4)) limits.highWaterBytes = random.pick([50, 500, 5000]);
  if (random.chance(0.15)) limits.lagBytesMax = random.pick([200, 3000]);
  return limits;
}

function disorderOf(random: Random): Disorder {
  const one = () => random.pick([0, 0.02, 0.08]);
  return { disconnect: one(), crash: one(), takeOver: one(), stall: one() };
}
