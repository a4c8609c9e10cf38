import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import {
  type Damage,
  MemoryStore,
  type Store,
  StoreDamagedError,
  StoreError,
  type StoreSnapshot,
} from "../../store/mod.ts";
import { numberOfKey, RecordReader } from "../../store/record.ts";
import { type Row, type Table, TABLES } from "../../store/store.ts";
import { uint16At, Wire } from "../../tests/crash/wire.ts";
import { within } from "../../tests/harness/deadline.ts";
import {
  connect as connectPacket,
  puback,
  pubcomp,
  publish,
  pubrec,
  subscribe,
} from "../../tests/harness/packets.ts";
import { Random } from "../../tests/harness/random.ts";
import { readSharedStart } from "./shared_start.ts";
import { readSession } from "./session_record.ts";
import { summarisePage } from "./message_page_record.ts";

const SEEDS = 150;
const SESSIONS = 10;

const DAMAGE: Damage = { setAside: "elsewhere", reason: "a test", rowsSaved: 1 };

/** A store as it is when its file was damaged, and some of its rows were saved. */
function saved(store: MemoryStore): Store {
  return {
    damage: DAMAGE,
    commit: (batch) => store.commit(batch),
    scan: (...args) => store.scan(...args),
    get: (...args) => store.get(...args),
    size: () => store.size(),
    close: () => store.close(),
  };
}

/** What a busy broker leaves behind: backlogs, messages in flight, wills, retained messages. */
async function busyStore(): Promise<StoreSnapshot> {
  const store = new MemoryStore();
  await using broker = await Broker.open(store);
  const { port } = await broker.listen({ port: 0 });
  const url = `mqtt://127.0.0.1:${port}`;
  for (let i = 0; i < SESSIONS; i++) {
    const away = await connect(url, { clientId: `away${i}`, sessionExpirySeconds: 1000 });
    await away.subscribe("t/#", { qos: 2 });
    await away.subscribe(`own/${i}`, { qos: 1 });
    await away.subscribe("$share/g/s/#", { qos: 1 });
    await away.close();
  }
  await using publisher = await connect(url, {
    clientId: "publisher",
    sessionExpirySeconds: 1000,
    will: { topic: "w", payload: "gone", qos: 1 },
  });
  for (let i = 0; i < 300; i++) {
    const qos = i % 2 === 0 ? 1 : 2;
    await publisher.publish(`t/${i % 3}`, `${i}`, { qos, retain: i % 50 === 0 });
    await publisher.publish(`own/${i % SESSIONS}`, `${i}`, { qos });
    await publisher.publish(`s/${i % 2}`, `${i}`, { qos: 1 });
  }
  // Not acknowledged: in flight.
  const back = await connect(url, {
    clientId: "away0",
    cleanStart: false,
    sessionExpirySeconds: 1000,
  });
  const messages = await back.subscribe("other", { qos: 1 });
  const left = store.snapshot();
  await messages.return?.();
  await back.close();
  return left;
}

/** Takes rows away, and changes others. */
function damaged(snapshot: StoreSnapshot, random: Random): StoreSnapshot {
  const loss = random.pick([0.02, 0.2, 0.6]);
  const change = random.pick([0, 0.05, 0.5]);
  // Streams and accounts have tests of their own.
  const ours = TABLES.filter((table) => !table.startsWith("stream") && table !== "accounts");
  const tables = ours.filter(() => random.chance(0.5));
  return new Map(TABLES.map((table) => {
    const rows = snapshot.get(table) ?? [];
    if (!tables.includes(table)) return [table, rows] as const;
    const kept = rows.filter(() => !random.chance(loss));
    return [table, kept.map((row) => random.chance(change) ? changed(row, kept, random) : row)];
  }));
}

function changed({ key, value }: Row, rows: readonly Row[], random: Random): Row {
  const bytes = value.slice();
  const at = random.integer(0, Math.max(0, bytes.length - 1));
  switch (random.integer(0, 3)) {
    case 0:
      return { key, value: bytes.subarray(0, at) };
    case 1:
      return { key, value: random.pick(rows).value };
    case 2:
      return { key, value: random.bytes(random.integer(0, 40)) };
    default:
      for (let i = 0; i < 3; i++) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      return { key, value: bytes };
  }
}

/** What leads nowhere, and what nothing leads to. */
function garbage(snapshot: StoreSnapshot): string[] {
  const keys = (table: Table) => (snapshot.get(table) ?? []).map(({ key }) => numberOfKey(key));
  const sessions = new Set(keys("sessions"));
  const logs = new Set<number>();
  for (const { value } of snapshot.get("sessions") ?? []) {
    const { readers, exchanges } = readSession(value);
    for (const { logId } of [...readers, ...exchanges]) logs.add(logId);
  }
  for (const { value } of snapshot.get("joins") ?? []) logs.add(readSharedStart(value).logId);
  const chunks = new Set<number>();
  for (const { value } of snapshot.get("entries") ?? []) {
    for (const chunk of summarisePage(value).chunkIds) chunks.add(chunk);
  }
  const found = (table: Table, known: Set<number>) =>
    keys(table).filter((id) => !known.has(id)).map((id) => `${table} ${id}`);
  return [
    ...found("subscriptions", sessions),
    ...found("entries", logs),
    ...found("messages", chunks),
  ];
}

/** Everyone who is there returns and takes what is left; someone subscribes, someone publishes. */
async function tryOut(broker: Broker): Promise<void> {
  const { port } = await broker.listen({ port: 0 });
  const names = Array.from({ length: SESSIONS }, (_, i) => `away${i}`);
  const wires = await Promise.all([...names, "newcomer"].map((name) => comeBack(port, name)));
  const publisher = wires.at(-1)!;
  for (let i = 0; i < wires.length; i++) {
    publisher.send(publish(`fresh/${i}`, "for you", { qos: 1, packetId: i + 1, retain: true }));
  }
  await within("everybody is reached", Promise.all(wires.map(takeAll)));
  for (const wire of wires) wire.close();
}

/** Connects, and subscribes to a topic of its own. */
async function comeBack(port: number, clientId: string): Promise<Wire> {
  const wire = (await Wire.dial(port))!;
  wire.send(connectPacket({ clientId, clean: false }));
  assertEquals((await wire.next())?.body[1], 0);
  wire.send(
    subscribe({ [`fresh/${clientId.replace(/\D+/, "") || SESSIONS}`]: 1 }, { packetId: 9 }),
  );
  return wire;
}

/** Takes and acknowledges what comes, until the last message is there. */
async function takeAll(wire: Wire): Promise<void> {
  for (let frame = await wire.next(); frame !== null; frame = await wire.next()) {
    const { type, flags, body } = frame;
    if (type === 6) wire.send(pubcomp(uint16At(body, 0)));
    if (type !== 3) continue;
    const topicEnd = 2 + uint16At(body, 0);
    const qos = flags >> 1 & 3;
    if (qos > 0) wire.send((qos === 1 ? puback : pubrec)(uint16At(body, topicEnd)));
    if (new TextDecoder().decode(body).endsWith("for you")) return;
  }
  throw new Error("The broker has closed the connection");
}

Deno.test("restore() makes of any rows a broker that works, or throws StoreError", async () => {
  const whole = await busyStore();
  let opened = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const story = `seed ${seed}`;
    const store = MemoryStore.from(damaged(whole, new Random(seed)));
    const failures: unknown[] = [];
    let broker: Broker;
    try {
      broker = await Broker.open(saved(store), {
        hooks: { failed: (error) => failures.push(error) },
      });
    } catch (error) {
      assertInstanceOf(error, StoreError, `${story}: ${error}`);
      continue;
    }
    opened++;
    try {
      await tryOut(broker);
    } catch (error) {
      throw new Error(story, { cause: error });
    }
    await broker.close();
    for (const failure of failures) assertInstanceOf(failure, StoreError, `${story}: ${failure}`);
    assertEquals(garbage(store.snapshot()), [], story);
  }
  assertEquals(opened, SEEDS);
});

Deno.test("restore() uses no identifier again when the row that tells them is lost", async () => {
  const whole = new Map(await busyStore());
  whole.set("meta", []);
  const store = MemoryStore.from(whole);
  {
    await using broker = await Broker.open(store);
    await tryOut(broker);
  }
  const [next] = store.snapshot().get("meta")!;
  const used = (whole.get("messages") ?? []).map(({ key }) => numberOfKey(key));
  assert(new RecordReader(next!.value).number() > Math.max(...used));
});

/** A store in which the reads of a table fail until it is repaired, if it is. */
function unreadable(store: MemoryStore, table: Table, repairs: (() => Promise<void>)[]) {
  let isWhole = false;
  const closed = { times: 0 };
  const damaged: Store = {
    ...saved(store),
    get damage() {
      return isWhole ? DAMAGE : null;
    },
    scan: async (...args) => {
      if (args[0] === table && !isWhole) {
        throw new StoreDamagedError(`a row of ${table} is damaged`);
      }
      return await store.scan(...args);
    },
    repair: async () => {
      await repairs.shift()!();
      isWhole = true;
    },
    close: async () => {
      closed.times++;
      await store.close();
    },
  };
  return { damaged, closed };
}

Deno.test("Broker.open() has a store repaired when a row of any table turns out to be damaged, and begins anew", async () => {
  const whole = await busyStore();
  for (
    const table of TABLES.filter((table) => !["meta", "messages", "stream_chunks"].includes(table))
  ) {
    const store = MemoryStore.from(whole);
    const { damaged, closed } = unreadable(store, table, [() => Promise.resolve()]);
    const broker = await Broker.open(damaged);
    assertEquals(broker.storeDamage, DAMAGE);
    await tryOut(broker);
    await broker.close();
    assertEquals(closed.times, 1);
    assertEquals(garbage(store.snapshot()), [], table);
  }
});

Deno.test("Broker.open() closes a store that cannot be repaired, and tells why", async () => {
  const refuse = () => Promise.reject(new StoreDamagedError("strictly: a row is damaged"));
  const { damaged, closed } = unreadable(new MemoryStore(), "wills", [refuse]);
  await assertRejects(() => Broker.open(damaged), StoreDamagedError, "strictly");
  assertEquals(closed.times, 1);
  const { repair: _, ...plain } = unreadable(new MemoryStore(), "wills", []).damaged;
  await assertRejects(() => Broker.open(plain), StoreDamagedError, "a row of wills is damaged");
});
