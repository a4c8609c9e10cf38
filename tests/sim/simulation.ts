import { Random } from "../harness/random.ts";
import { Actor } from "./actor.ts";
import { checkDeliveries } from "./check.ts";
import { ModelClient } from "./model_client.ts";
import { checkGroup } from "./check_stream_groups.ts";
import { checkReading } from "./check_readings.ts";
import { checkStream } from "./check_stream.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import type { StreamClient } from "./stream_client.ts";
import { StreamMember } from "./stream_member.ts";
import { StreamReader } from "./stream_reader.ts";
import { World } from "./world.ts";

/** Peace lasts this many rounds before it is believed: longer than any client rests or stalls. */
const QUIET_ROUNDS = 10;
const ROUND_MS = 500;
const ROUNDS_MAX = 2000;
/** Longer than any session outlives its connection. */
const EXPIRED_MS = 2 * 3600 * 1000;

/** How a simulation went. */
export interface Run {
  /** Two runs share it only if the same bytes arrived at the same instants. */
  readonly fingerprint: number;
  /** What was wrong; empty if all is well. */
  readonly faults: readonly string[];
  /** What happened last, if it was to be written down. */
  readonly journal: readonly string[];
  /** Virtual milliseconds until everything was closed. */
  readonly endMs: number;
  readonly messages: number;
  readonly deliveries: number;
  /** How many messages readers of the stream have got. */
  readonly readings: number;
  /** How many messages members of groups have got, and how many are dead. */
  readonly given: number;
  readonly letters: number;
}

/** Runs the simulation that a seed stands for. */
export async function simulate(seed: number, keepsJournal = false): Promise<Run> {
  const scenario = scenarioOf(seed);
  const world = await World.create(scenario, keepsJournal);
  const { clock, ledger, network } = world;
  const actors = actorsOf(world, scenario);
  const readers = readersOf(world, scenario);
  const members = membersOf(world, scenario);
  for (const { atMs, downMs } of scenario.disk?.crashes ?? []) {
    clock.schedule(clock.now() + atMs, () => world.crash(downMs));
  }
  await clock.advance(scenario.activeMs);
  await settle(world, actors, [...readers, ...members]);
  world.settled();
  const { overflow } = scenario;
  const allowances = {
    mayLag: world.hasLagged,
    hasCrashed: ledger.crashes > 0,
    mayDrop: overflow !== null && overflow !== "refuse-publisher",
    mayRefuse: overflow !== null,
  };
  checkDeliveries(ledger, allowances);
  if (scenario.stream !== null) {
    checkStream(ledger, world.book!, scenario.stream, allowances);
    for (const { readings, connection } of readers) {
      for (const reading of readings.all) {
        const isAlive = !reading.isOver && !reading.isEnding && reading.after !== null;
        checkReading(ledger, world.book!, reading, isAlive ? connection : null);
      }
    }
    for (const group of world.groups) {
      checkGroup(ledger, world.book!, scenario.stream.groups, group);
    }
  }
  if (scenario.endsWithBroker) await closeBroker(world);
  else await leaveBroker(world, [...actors, ...readers, ...members]);
  await checkNothingLeft(world);
  return {
    fingerprint: network.fingerprint,
    faults: ledger.faults,
    journal: ledger.journal,
    endMs: clock.now(),
    messages: ledger.publications.length,
    deliveries: ledger.sessions.reduce((sum, { deliveries }) => sum + deliveries.length, 0),
    readings: readers.reduce(
      (sum, { readings }) => sum + readings.all.reduce((all, one) => all + one.messages.length, 0),
      0,
    ),
    given: world.groups.reduce((sum, { given }) => sum + given.length, 0),
    letters: world.groups.reduce((sum, { letters }) => sum + letters.length, 0),
  };
}

function actorsOf(world: World, scenario: Scenario): Actor[] {
  const random = new Random(scenario.seed + 1);
  return scenario.clients.map((plan) =>
    new Actor(world, new ModelClient(world, plan, random.fork()), random.fork())
  );
}

function readersOf(world: World, scenario: Scenario): StreamReader[] {
  const { stream, seed } = scenario;
  const random = new Random(seed ^ 0x4ead);
  return (stream?.readers ?? []).map((plan) =>
    new StreamReader(world, stream!, plan, random.fork())
  );
}

function membersOf(world: World, { stream, seed }: Scenario): StreamMember[] {
  const random = new Random(seed ^ 0x6e6b);
  return world.groups.flatMap((book) =>
    book.plan.members.map((plan) =>
      new StreamMember(world, stream!.name, book, plan, random.fork())
    )
  );
}

/** Fair weather: everyone connects and takes what waits, until nothing moves any more. */
async function settle(
  world: World,
  actors: readonly Actor[],
  readers: readonly StreamClient[],
): Promise<void> {
  const { clock, network, ledger } = world;
  network.cutChance = 0;
  for (const actor of [...actors, ...readers]) actor.retire();
  let quiet = 0;
  for (let round = 0; quiet < QUIET_ROUNDS; round++) {
    if (round === ROUNDS_MAX) return ledger.fault("the clients never come to rest");
    for (const { client } of actors) if (client.isOffline) client.connect(true);
    for (const reader of readers) if (reader.isOffline) reader.connect();
    const before = ledger.activity;
    await clock.advance(ROUND_MS);
    quiet = ledger.activity === before ? quiet + 1 : 0;
  }
  for (const { client } of actors) {
    const { clientId } = client.plan;
    if (!client.isConnected) ledger.fault(`${clientId} cannot connect`);
    if (!client.isIdle) ledger.fault(`${clientId} has handshakes that do not end`);
  }
  for (const { plan, isConnected, isIdle } of readers) {
    if (!isConnected) ledger.fault(`${plan.clientId} cannot connect`);
    if (!isIdle) ledger.fault(`${plan.clientId} has not acknowledged everything`);
  }
}

/** The broker goes, and the clients find out. */
async function closeBroker(world: World): Promise<void> {
  world.isClosing = world.isOver = true;
  let isClosed = false;
  world.broker.close({ graceMs: 100 }).then(() => isClosed = true);
  await world.clock.advance(10_000);
  if (!isClosed) world.ledger.fault("the broker does not close");
}

/** The clients go, and their sessions expire. */
async function leaveBroker(world: World, actors: readonly { leave(): void }[]): Promise<void> {
  const { broker, clock, ledger } = world;
  world.isOver = true;
  for (const actor of actors) actor.leave();
  // As long as it is there, it waits for its messages to get too old.
  if (world.scenario.stream !== null) broker.removeStream(world.scenario.stream.name);
  await clock.advance(10_000);
  if (broker.stats.connections > 0) ledger.fault(`${broker.stats.connections} connections stay`);
  await clock.advance(EXPIRED_MS);
  if (broker.stats.sessions > 0) ledger.fault(`${broker.stats.sessions} sessions stay`);
  if (world.brokerDeadlines > 0) ledger.fault(`${world.brokerDeadlines} deadlines stay`);
  await closeBroker(world);
}

async function checkNothingLeft(world: World): Promise<void> {
  const { broker, ledger, network, brokerDeadlines } = world;
  await world.clock.advance(10_000);
  const { stats } = broker;
  const left = {
    connections: stats.connections,
    pipes: network.connections.size,
    sockets: world.socketFaults,
    deadlines: brokerDeadlines,
    protocolErrors: stats.protocolErrors,
    internalErrors: stats.internalErrors,
    refused: stats.connectsRefused + stats.connectionsRefused,
  };
  for (const [what, count] of Object.entries(left)) {
    if (count !== 0) ledger.fault(`in the end there are ${what}: ${count}`);
  }
}
