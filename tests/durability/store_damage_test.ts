/**
 * One byte of the database of a broker is another one: the broker starts at once, with all that is
 * whole, and says so; strictly, it does not start unless nothing is lost.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { Broker, connect } from "../../mod.ts";
import { type Damage, SqliteStore, StoreDamagedError } from "../../store/mod.ts";
import { TABLES } from "../../store/store.ts";
import { Random } from "../harness/random.ts";

const SEEDS = 150;
const SESSIONS = 40;
const RETAINED = 60;
const ALL = { rows: Infinity, bytes: Infinity };
/** Bytes of the header of an SQLite file. */
const HEADER_BYTES = 100;
/** The lower half of its version: anything but 0 and 1 there is that of a newer Fairway. */
const VERSION_AT = 62;
const VERSION_END = 64;

/** Where the bytes of a table are, by what is found in its rows. */
const MARKS = {
  retained: "retained payload",
  sessions: "session-of-",
  subscriptions: "filter/of/",
  messages: "waiting payload",
  wills: "will payload",
};

/** Leaves behind what a broker has that was busy, and was closed. */
async function makeState(directory: string): Promise<void> {
  await using broker = await Broker.open(await SqliteStore.open(directory, { thread: "main" }));
  const { port } = await broker.listen({ port: 0 });
  const url = `mqtt://127.0.0.1:${port}`;
  for (let i = 0; i < SESSIONS; i++) {
    const away = await connect(url, {
      clientId: `session-of-${i}`,
      sessionExpirySeconds: 1000,
      will: { topic: `will/${i}`, payload: "will payload", properties: { willDelayInterval: 900 } },
    });
    await away.subscribe(`filter/of/${i}`, { qos: 1 });
    await away.subscribe("all", { qos: 1 });
    await away.close({ withWill: true });
  }
  for (let i = 0; i < RETAINED; i++) {
    const payload = `retained payload ${"x".repeat(i * 40)}`;
    await broker.publish(`retained/${i}`, payload, { qos: 1, retain: true });
    await broker.publish(i % 2 === 0 ? "all" : `filter/of/${i % SESSIONS}`, "waiting payload", {
      qos: 1,
    });
  }
}

/** What is found again after a start. */
interface Found {
  readonly retained: readonly string[];
  readonly sessions: number;
  readonly subscriptions: number;
  readonly damage: Damage | null;
}

/** Starts a broker, which must not fail whatever was damaged; and what it has. */
async function start(directory: string): Promise<Found> {
  const store = await SqliteStore.open(directory, { thread: "main" });
  await using broker = await Broker.open(store, { hooks: { failed: () => {} } });
  const { storeDamage, stats: { sessions, subscriptions } } = broker;
  const retained: string[] = [];
  const watcher = broker.subscribe("retained/#");
  for (let left = broker.stats.retainedMessages; left > 0; left--) {
    const { value } = await watcher.next();
    retained.push(`${value!.topic} ${new TextDecoder().decode(value!.payload)}`);
  }
  await watcher.return?.();
  return { retained: retained.toSorted(), sessions, subscriptions, damage: storeDamage };
}

/** Every row of every table, as text. */
async function rowsOf(store: SqliteStore): Promise<string[]> {
  const rows = [];
  for (const table of TABLES) {
    for (const { key, value } of await store.scan(table, new Uint8Array(), null, ALL)) {
      rows.push(`${table} ${key} ${value}`);
    }
  }
  return rows;
}

/** A directory that a broker has left behind, and copies of it with one byte changed. */
class Scene implements AsyncDisposable {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #parent: string;
  #copies = 0;

  private constructor(parent: string, bytes: Uint8Array<ArrayBuffer>) {
    this.#parent = parent;
    this.bytes = bytes;
  }

  static async make(): Promise<Scene> {
    const parent = await Deno.makeTempDir();
    await makeState(`${parent}/whole`);
    return new Scene(parent, await Deno.readFile(`${parent}/whole/fairway.db`));
  }

  get whole(): string {
    return `${this.#parent}/whole`;
  }

  async withChanged<T>(at: number, byte: number, act: (directory: string) => Promise<T>) {
    const directory = `${this.#parent}/${++this.#copies}`;
    await Deno.mkdir(directory);
    try {
      const changed = this.bytes.slice();
      changed[at] = byte;
      await Deno.writeFile(`${directory}/fairway.db`, changed);
      return await act(directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#parent, { recursive: true });
  }
}

/** Starts with a byte changed, and strictly; whether that has refused it. */
async function tryOut(scene: Scene, whole: Found, rows: string[], at: number, byte: number) {
  const story = `byte ${at} is ${byte}, not ${scene.bytes[at]}`;
  const found = await scene.withChanged(at, byte, async (directory) => {
    try {
      return await start(directory);
    } catch (error) {
      throw new Error(story, { cause: error });
    }
  });
  const invented = found.retained.filter((message) => !whole.retained.includes(message));
  assertEquals(invented, [], story);
  const isAll = found.retained.length === whole.retained.length &&
    found.sessions >= whole.sessions && found.subscriptions === whole.subscriptions;
  assert(isAll || found.damage !== null, `${story}: something is missing, and it is not told`);
  return await scene.withChanged(at, byte, async (directory) => {
    try {
      await using store = await SqliteStore.open(directory, { thread: "main", strict: true });
      assertEquals(await rowsOf(store), rows, story);
      assertEquals(found.damage, null, story);
      return false;
    } catch (error) {
      assertInstanceOf(error, StoreDamagedError, story);
      assert(error.message.includes(`${directory}/fairway.db`), error.message);
      assertEquals(
        await Deno.readFile(`${directory}/fairway.db`).then(({ length }) => length),
        scene.bytes.length,
      );
      return true;
    }
  });
}

async function wholeOf(scene: Scene): Promise<[Found, string[]]> {
  const rows = await scene.withChanged(0, scene.bytes[0]!, async (directory) => {
    await using store = await SqliteStore.open(directory, { thread: "main" });
    return await rowsOf(store);
  });
  const whole = await scene.withChanged(0, scene.bytes[0]!, start);
  assertEquals(whole.retained.length, RETAINED);
  assertEquals(whole.damage, null);
  return [whole, rows];
}

Deno.test("a broker starts at once whatever byte of its database is another one, and tells what is lost", async () => {
  await using scene = await Scene.make();
  const [whole, rows] = await wholeOf(scene);
  let refused = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const at = random.integer(HEADER_BYTES, scene.bytes.length - 1);
    const byte = (scene.bytes[at]! + random.integer(1, 255)) % 256;
    if (await tryOut(scene, whole, rows, at, byte)) refused++;
  }
  assert(refused > SEEDS / 10, `strictly, only ${refused} were refused`);
});

Deno.test("a broker starts at once with any byte of the header of its database changed", async () => {
  await using scene = await Scene.make();
  const [whole, rows] = await wholeOf(scene);
  const random = new Random(1);
  for (let at = 0; at < HEADER_BYTES; at++) {
    if (at === VERSION_AT) continue;
    const byte = at === VERSION_END - 1 ? 0 : (scene.bytes[at]! + random.integer(1, 255)) % 256;
    await tryOut(scene, whole, rows, at, byte);
  }
});

/** Where a byte is that belongs to a row of a table, and is not left over from a page of before. */
async function placeIn(scene: Scene, table: keyof typeof MARKS): Promise<number> {
  const text = new TextDecoder("latin1").decode(scene.bytes);
  const mark = MARKS[table];
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
    const refusal = await scene.withChanged(at, scene.bytes[at]! ^ 1, refusalOf);
    if (refusal.endsWith(`a row of ${table} is damaged`)) return at;
  }
  throw new Error(`There is no row of ${table}`);
}

/** Why a directory is not opened strictly; nothing if it is. */
async function refusalOf(directory: string): Promise<string> {
  try {
    await using _store = await SqliteStore.open(directory, { thread: "main", strict: true });
    return "";
  } catch (error) {
    assertInstanceOf(error, StoreDamagedError);
    return error.message;
  }
}

for (const table of ["retained", "sessions", "subscriptions", "wills", "messages"] as const) {
  Deno.test(`a broker starts at once when a byte of a row of ${table} is another one`, async () => {
    await using scene = await Scene.make();
    const at = await placeIn(scene, table);
    for (const thread of ["main", "worker"] as const) {
      await scene.withChanged(at, scene.bytes[at]! ^ 1, async (directory) => {
        const store = await SqliteStore.open(directory, { thread });
        await using broker = await Broker.open(store);
        // A message that waits is not read by a start: it comes to light when its turn comes.
        assertEquals(broker.storeDamage !== null, table !== "messages");
        await broker.publish("works", "again", { qos: 1, retain: true });
      });
    }
  });
}
