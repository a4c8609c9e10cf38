/**
 * Limits that count the clients of all workers. Each scene runs in a process of its own, because each
 * worker of a test would be type-checked anew.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { formatPasswordHash, hashPassword } from "../../auth/password_hash.ts";
import { SharedLimits } from "../../broker/limits/shared_limits.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { type CountingResult, type CountingTask, TOKENS_MAX } from "./_counting_thread.ts";
import { onEach, RESTART_DEADLINE_MS, startConfigured, withFolder } from "./worker_scenes.ts";

/** By their names, which the tests have. */
export const SCENES: Record<string, () => Promise<void>> = {};

/** Some client identifiers that live on a node. */
function onNode(node: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => onEach(2, `client-${i}-`)[node]!);
}

/** How a client comes. */
interface Login {
  /** The address that a proxy tells; `undefined` without a proxy. */
  readonly address?: string | undefined;
  readonly username?: string;
  readonly password?: string;
}

async function dial(port: number, clientId: string, login: Login): Promise<RawClient> {
  const { address, ...fields } = login;
  const client = await RawClient.dial(port);
  if (address !== undefined) {
    const header = `PROXY TCP4 ${address} 198.51.100.1 50123 1883\r\n`;
    await client.send(new TextEncoder().encode(header));
  }
  await client.send(packets.connect({ level: 5, clientId, ...fields }));
  return client;
}

/** The reason code of CONNACK; `null` if the connection was closed without one. */
async function answerTo(client: RawClient): Promise<number | null> {
  const connack = await client.readFrameOrEnd().catch(() => null);
  return connack === null ? null : connack[3]!;
}

/** Connects clients, and keeps them connected. */
async function connectAll(
  port: number,
  clientIds: readonly string[],
  address?: string,
): Promise<{ clients: RawClient[]; answers: (number | null)[] }> {
  const clients: RawClient[] = [];
  const answers: (number | null)[] = [];
  for (const clientId of clientIds) {
    const client = await dial(port, clientId, { address });
    clients.push(client);
    answers.push(await answerTo(client));
  }
  return { clients, answers };
}

/** Waits until a client can connect, and keeps it connected. */
async function getIn(port: number, clientId: string, address?: string): Promise<RawClient> {
  const clients: RawClient[] = [];
  await eventually("there is room", async () => {
    const client = await dial(port, clientId, { address });
    if (await answerTo(client) === 0) return clients.push(client) > 0;
    client.close();
    return false;
  }, RESTART_DEADLINE_MS);
  return clients[0]!;
}

for (const word of ["global_max_connections", "max_connections"]) {
  SCENES[`${word} counts at all workers, wherever clients live, and not what a dead one held`] =
    () =>
      withFolder(async (folder) => {
        const config = `allow_anonymous true\nlistener 0 127.0.0.1\n${word} 3\n`;
        const { supervisor, ports: [port] } = await startConfigured(folder, config);
        const first = onNode(0, 4);
        const second = onNode(1, 3);
        // All of them live on one worker: it needs no share of the limit.
        const { clients, answers } = await connectAll(port!, first.slice(0, 3));
        assertEquals(answers, [0, 0, 0]);
        const past = await connectAll(port!, [first[3]!, second[0]!]);
        assertEquals(past.answers, [0x97, 0x97]);
        clients[0]!.close();
        const one = await getIn(port!, second[0]!);
        supervisor.kill(0);
        for (const client of clients.slice(1)) await client.expectClose();
        // What the worker held is free before it runs again.
        const two = await getIn(port!, second[1]!);
        const three = await getIn(port!, second[2]!);
        const full = await connectAll(port!, second.map((clientId) => `${clientId}x`));
        assertEquals(full.answers.includes(0), false);
        for (const client of [one, two, three, ...past.clients, ...full.clients]) client.close();
        await supervisor.stop(0);
      });
}

SCENES["connections of an address count at all workers, once each, and end with a worker"] = () =>
  withFolder(async (folder) => {
    const config = "allow_anonymous true\nlistener 0 127.0.0.1\nfairway_proxy_from 127.0.0.1\n" +
      "fairway_limit_address_connections_max 3\n";
    const { supervisor, ports: [port] } = await startConfigured(folder, config);
    const address = "192.0.2.7";
    const first = onNode(0, 2);
    const second = onNode(1, 3);
    const { clients, answers } = await connectAll(port!, [...first, second[0]!], address);
    assertEquals(answers, [0, 0, 0]);
    // By whichever worker they are accepted, and wherever their clients live.
    const others = [...onNode(0, 8), ...onNode(1, 8)].map((clientId) => `${clientId}x`);
    const past = await connectAll(port!, others, address);
    assertEquals(past.answers, others.map(() => null));
    const elsewhere = await connectAll(port!, others, "192.0.2.8");
    assertEquals(elsewhere.answers.filter((answer) => answer === 0).length, 3);
    supervisor.kill(0);
    for (const client of clients.slice(0, 2)) await client.expectClose();
    const two = await getIn(port!, second[1]!, address);
    const three = await getIn(port!, second[2]!, address);
    const full = await connectAll(port!, others, address);
    assertEquals(full.answers, others.map(() => null));
    for (const client of [...clients, ...past.clients, ...elsewhere.clients, ...full.clients]) {
      client.close();
    }
    for (const client of [two, three]) client.close();
    await supervisor.stop(0);
  });

SCENES["failed logins of an address count at all workers"] = () =>
  withFolder(async (folder) => {
    const hash = await hashPassword(new TextEncoder().encode("right"), "sha512-pbkdf2", 101);
    await Deno.writeTextFile(`${folder}/passwords`, `me:${formatPasswordHash(hash)}\n`);
    const config = "password_file FOLDER/passwords\nlistener 0 127.0.0.1\n" +
      "fairway_proxy_from 127.0.0.1\nfairway_limit_login_failures_max 2\n" +
      "fairway_limit_logins_delayed_max 1\nfairway_limit_login_delay_ms 600000\n";
    const { supervisor, ports: [port] } = await startConfigured(folder, config);
    const [first, second] = [onNode(0, 1)[0]!, onNode(1, 1)[0]!];
    const clients: RawClient[] = [];
    const login = async (clientId: string, address: string, password = "wrong") => {
      const client = await dial(port!, clientId, { address, username: "me", password });
      clients.push(client);
      return await answerTo(client);
    };
    assertEquals(await login(first, "192.0.2.7"), 0x87);
    assertEquals(await login(second, "192.0.2.7"), 0x87);
    // From now on one is answered late, and others are refused unseen, at either worker.
    for (const clientId of [first, second]) {
      const answers: (number | null)[] = [];
      await eventually("a login is answered", async () => {
        void login(clientId, "192.0.2.7").then((answer) => answers.push(answer));
        assertEquals(await login(clientId, "192.0.2.8", "right"), 0);
        return answers.length > 0;
      });
      assertEquals(answers[0], 0x9f);
    }
    for (const client of clients) client.close();
    await supervisor.stop(0);
  });

SCENES["threads that count at the same time keep the limits exactly"] = async () => {
  const nodes = 3;
  const { buffers, totals, addresses } = new SharedLimits(nodes, 0);
  const flag = new SharedArrayBuffer(4);
  const results = await Promise.all(Array.from({ length: nodes }, (_, node) => {
    const script = new URL("./_counting_thread.ts", import.meta.url);
    const { promise, resolve, reject } = Promise.withResolvers<CountingResult>();
    const worker = new Worker(script, { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ node, nodes, buffers, flag, rounds: 20_000 } satisfies CountingTask);
    return promise.finally(() => worker.terminate());
  }));
  const sum = (of: (result: CountingResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  assertEquals([sum(({ broken }) => broken), sum(({ unusable }) => unusable)], [0, 0]);
  assertEquals(sum(({ taken }) => taken), TOKENS_MAX);
  assert(sum(({ acquired }) => acquired) > 0);
  assertEquals([totals.connections.total, totals.connections.acquire(1)], [0, true]);
  for (const key of ["10.0.0.0", "10.0.0.1", "10.0.0.2"]) {
    assertEquals(addresses.use(key, 0, (record) => record.count("connections")), 0);
  }
};

if (import.meta.main) {
  await SCENES[Deno.args[0]!]!();
}
