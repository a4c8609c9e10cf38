import { Random } from "../../harness/random.ts";
import { Actor } from "../../sim/actor.ts";
import { checkDeliveries } from "../../sim/check.ts";
import { ModelClient } from "../../sim/model_client.ts";
import { clusterScenarioOf } from "./cluster_scenario.ts";
import { checkReplicas } from "./check_replicas.ts";
import { ClusterWorld } from "./cluster_world.ts";
import type { NodeWorld } from "./node_world.ts";

/** Peace lasts this many rounds before it is believed: longer than any client rests or stalls. */
const QUIET_ROUNDS = 10;
const ROUND_MS = 500;
const ROUNDS_MAX = 2000;

/** How a simulation went. */
export interface ClusterRun {
  /** What was wrong; empty if all is well. */
  readonly faults: readonly string[];
  /** What happened last, if it was to be written down. */
  readonly journal: readonly string[];
  readonly messages: number;
  readonly deliveries: number;
  /** How many deliveries were to another node than that of the publisher. */
  readonly crossed: number;
  readonly kills: number;
  readonly ruptures: number;
}

/** Runs the simulation that a seed stands for. */
export async function simulateCluster(seed: number, keepsJournal = false): Promise<ClusterRun> {
  const scenario = clusterScenarioOf(seed);
  const world = await ClusterWorld.create(scenario, keepsJournal);
  const { clock, ledger } = world;
  for (const [i, { clientId }] of scenario.clients.entries()) {
    ledger.homes.set(clientId, scenario.homes[i]!);
  }
  const random = new Random(seed + 1);
  const actors = scenario.clients.map((plan, i) => {
    const node = world.nodes[scenario.homes[i]!]!;
    return new Actor(node, new ModelClient(node, plan, random.fork()), random.fork());
  });
  world.schedule();
  await clock.advance(scenario.activeMs);
  await settle(world, actors);
  const isCalm = world.ruptures === 0;
  checkDeliveries(ledger, {
    mayLag: !isCalm || world.hasLagged,
    hasCrashed: ledger.crashes > 0,
    mayDrop: false,
    mayRefuse: false,
    mayRepeat: !isCalm,
  });
  checkReplicas(ledger, world.nodes);
  await leave(world, actors);
  const deliveries = ledger.sessions.flatMap(({ clientId, deliveries }) =>
    deliveries.map(({ publication }) => publication.home !== ledger.homeOf(clientId))
  );
  return {
    faults: ledger.faults,
    journal: ledger.journal,
    messages: ledger.publications.length,
    deliveries: deliveries.length,
    crossed: deliveries.filter((hasCrossed) => hasCrossed).length,
    kills: ledger.crashes,
    ruptures: world.ruptures,
  };
}

/** Fair weather: everyone connects and takes what waits, until nothing moves any more. */
async function settle(world: ClusterWorld, actors: readonly Actor[]): Promise<void> {
  const { clock, ledger, nodes } = world;
  for (const node of nodes) node.network.cutChance = 0;
  for (const actor of actors) actor.retire();
  let quiet = 0;
  for (let round = 0; quiet < QUIET_ROUNDS; round++) {
    if (round === ROUNDS_MAX) return ledger.fault("the clients never come to rest");
    for (const { client } of actors) if (client.isOffline) client.connect(true);
    const before = [ledger.activity, waiting(nodes)].join();
    await clock.advance(ROUND_MS);
    quiet = [ledger.activity, waiting(nodes)].join() === before ? quiet + 1 : 0;
  }
  if (!world.isJoined) ledger.fault("the nodes do not join");
  for (const { client } of actors) {
    const { clientId } = client.plan;
    if (!client.isConnected) ledger.fault(`${clientId} cannot connect`);
    if (!client.isIdle) ledger.fault(`${clientId} has handshakes that do not end`);
  }
  for (const { number, broker } of nodes) {
    for (const other of nodes) {
      if (other.number === number) continue;
      const { messages, inflight } = broker.nodePort.waitingFor(other.number);
      if (messages === 0 && inflight === 0) continue;
      ledger.fault(`at node ${number} ${messages} and ${inflight} wait for node ${other.number}`);
    }
  }
}

/** How much waits for other nodes: a link may be slow. */
function waiting(nodes: readonly NodeWorld[]): number {
  let sum = 0;
  for (const { broker } of nodes.filter(({ isUp }) => isUp)) {
    for (const { number } of nodes) {
      const { messages, inflight } = broker.nodePort.waitingFor(number);
      sum += messages + inflight;
    }
  }
  return sum;
}

/** The clients go, and the brokers are closed: nothing may be left. */
async function leave(world: ClusterWorld, actors: readonly Actor[]): Promise<void> {
  const { clock, ledger, nodes } = world;
  for (const node of nodes) node.isOver = true;
  for (const actor of actors) actor.leave();
  await clock.advance(10_000);
  world.close();
  await clock.advance(10_000);
  for (const node of nodes) {
    const { number, broker } = node;
    node.isClosing = true;
    let isClosed = false;
    broker.close({ graceMs: 100 }).then(() => isClosed = true);
    await clock.advance(10_000);
    if (!isClosed) ledger.fault(`node ${number} does not close`);
    const { connections, protocolErrors, internalErrors } = broker.stats;
    const left = { connections, protocolErrors, internalErrors, deadlines: node.deadlines };
    for (const [what, count] of Object.entries(left)) {
      if (count !== 0) ledger.fault(`in the end node ${number} has ${what}: ${count}`);
    }
  }
}
