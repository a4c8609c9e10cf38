/** Has what waits in stores for other nodes delivered, before their sessions move. */
import { readSession } from "../../broker/durable/session_record.ts";
import { eachRow } from "../../broker/durable/moving/each_row.ts";
import { Cluster } from "../../cluster/cluster.ts";
import { Broker, type BrokerOptions, type StreamOptions } from "../../mod.ts";
import { type Store, StoreError } from "../../store/mod.ts";
import { readStreamRow } from "../../stream/stream_row.ts";
import { makeRing } from "../../transport/ring/ring_buffers.ts";
import { ringTransport } from "../../transport/ring/ring_transport.ts";
import { SessionTables } from "./session_tables.ts";

/** How often it is checked whether something still waits, in milliseconds. */
const CHECK_MS = 20;
/** For so long nothing may be delivered, in milliseconds: then the links are taken to be stuck. */
const STALL_MS = 60_000;

/** Larger than any limit that a session can have reached. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;
/**
 * Nothing is refused and no session ends for a lack of room. What is too much for the limits of the
 * server is handled when the server runs.
 */
const LIMITS: NonNullable<BrokerOptions["limits"]> = {
  sessionsMax: UNLIMITED,
  subscriptionsMax: UNLIMITED,
  backlogMessagesMax: UNLIMITED,
  backlogBytesMax: UNLIMITED,
  storedBytesMax: UNLIMITED,
  memoryBytesMax: UNLIMITED,
  streamsMax: UNLIMITED,
};

/**
 * Starts the old nodes without listeners, joins them, and waits until nothing waits for another node
 * and no session that has ended is handing over its messages. Each step is as safe as when the
 * nodes run, because they do.
 *
 * @param stores The stores of all nodes. They stay open.
 * @param wallClock Milliseconds since 1970.
 * @throws {StoreError} If a store cannot be read or written, or nothing goes on.
 */
export async function drainNodes(
  stores: readonly Store[],
  wallClock: () => number = Date.now,
): Promise<void> {
  if (stores.length === 1 && !await isHandingOver(stores)) return;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const over = new AbortController();
  const nodes: Node[] = [];
  let empty: Promise<void> | null = null;
  try {
    for (const [node, store] of stores.entries()) {
      const tables = new SessionTables(store, node === 0);
      const broker = await openNode(tables, wallClock, (error) => failed.reject(error));
      const cluster = new Cluster(broker.nodePort, { node, nodes: stores.length });
      nodes.push({ broker, cluster });
    }
    // What waits for the first node may be for its streams.
    await declareStreams(nodes[0]!.broker, stores[0]!);
    const cut = join(nodes);
    cut.catch(() => {});
    empty = untilEmpty(nodes, stores, over.signal);
    await Promise.race([failed.promise, cut, empty]);
  } finally {
    over.abort();
    await empty?.catch(() => {});
    for (const { cluster } of nodes) cluster.close();
    await Promise.all(nodes.map(({ broker }) => broker.close({ graceMs: 0 })));
  }
}

/** An old node while it delivers. */
interface Node {
  readonly broker: Broker;
  readonly cluster: Cluster;
}

/** @param fail Called with an error of the broker or of its disk. */
function openNode(
  store: Store,
  wallClock: () => number,
  fail: (error: unknown) => void,
): Promise<Broker> {
  return Broker.open(store, {
    wallClock,
    limits: LIMITS,
    hooks: {
      failed: fail,
      storeFull: (isFull, reason) => {
        if (isFull) fail(reason ?? new StoreError("The disk takes nothing more"));
      },
    },
  });
}

/**
 * Declares the streams of a store as they were, but without limits: what is too much is removed when
 * the server runs, by the limits that it has then.
 *
 * @throws {StoreError} If the store cannot be read, or what it has of a stream makes no sense.
 */
async function declareStreams(broker: Broker, store: Store): Promise<void> {
  const declarations: string[] = [];
  await eachRow(store, "streams", (_key, value) => {
    declarations.push(readStreamRow(value).declaration);
  });
  for (const text of declarations) {
    const { name, filters, exclude } = optionsOf(text);
    const options = { name, filters, ...(exclude === undefined ? {} : { exclude }) };
    await broker.declareStream({ ...options, maxMessages: UNLIMITED });
  }
}

function optionsOf(declaration: string): StreamOptions {
  try {
    return JSON.parse(declaration);
  } catch (cause) {
    throw new StoreError(`A stream in the store makes no sense: ${declaration}`, { cause });
  }
}

/** Links all nodes. Returns a promise that fails when a link has ended. */
function join(nodes: readonly Node[]): Promise<never> {
  const cut = Promise.withResolvers<never>();
  const onEnded = (cause: unknown) => {
    const text = "Cannot deliver what waits between workers: a link has ended";
    cut.reject(new StoreError(text, { cause }));
  };
  for (const [a, { cluster }] of nodes.entries()) {
    for (const [b, { cluster: other }] of nodes.slice(0, a).entries()) {
      const rings = { messages: makeRing(), control: makeRing() };
      const sides = [[cluster, b, 0], [other, a, 1]] as const;
      for (const [from, peer, side] of sides) {
        const link = {
          messages: ringTransport(rings.messages, side),
          control: ringTransport(rings.control, side),
        };
        void from.join(peer, link).whenEnded().then(onEnded);
      }
    }
  }
  return cut.promise;
}

async function untilEmpty(
  nodes: readonly Node[],
  stores: readonly Store[],
  over: AbortSignal,
): Promise<void> {
  let before = -1;
  let sinceMs = performance.now();
  while (!over.aborted) {
    const isJoined = nodes.every(({ cluster }) => cluster.isJoined);
    const waiting = waitingInAll(nodes);
    // What is handed over may wait for another node afterwards.
    const isEmpty = isJoined && waiting === 0 && !await isHandingOver(stores) &&
      waitingInAll(nodes) === 0;
    if (isEmpty) return;
    if (waiting !== before) sinceMs = performance.now();
    before = waiting;
    if (performance.now() - sinceMs > STALL_MS) {
      throw new StoreError(`Cannot deliver what waits between workers: ${waiting} messages stay`);
    }
    await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
  }
}

function waitingInAll(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + waitingIn(node), 0);
}

/** How many messages of a node wait for others, or are on the way to them. */
function waitingIn({ broker, cluster }: Node): number {
  let sum = 0;
  for (let node = 0; node < cluster.nodes; node++) {
    if (node === cluster.node) continue;
    const { messages, inflight } = broker.nodePort.waitingFor(node);
    sum += messages + inflight;
  }
  return sum;
}

/** Whether a session that has ended still has messages of shared groups for other members. */
async function isHandingOver(stores: readonly Store[]): Promise<boolean> {
  let isLeaving = false;
  for (const store of stores) {
    await eachRow(store, "sessions", (_key, value) => {
      isLeaving ||= readSession(value).isLeaving;
    });
  }
  return isLeaving;
}
