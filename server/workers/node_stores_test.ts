import { assert, assertEquals, assertRejects } from "@std/assert";
import { readChunk, readPage } from "../../broker/durable/message_page_record.ts";
import { Message } from "../../broker/base/message.ts";
import { MessageChunk } from "../../broker/durable/message_chunk.ts";
import { readSession } from "../../broker/durable/session_record.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import { Broker } from "../../mod.ts";
import { numberKey } from "../../store/record.ts";
import { type Batch, SqliteStore, type Store } from "../../store/mod.ts";
import { NodeClient } from "../../tests/cluster/_client.ts";
import { eventually } from "../../tests/harness/eventually.ts";
import { diskFiles, type FolderFiles } from "../rehome/folder_files.ts";
import { StartError } from "../start_error.ts";
import { checkNodeStores } from "./node_stores.ts";

const CLIENTS = ["ann", "bob", "carl", "dora", "eve"];
const ALL = { rows: 1000, bytes: 2 ** 30 };
const FIRST = new Uint8Array();

/** Files in memory, where the system has them: there are many syncs. */
const MEMORY = "/dev/shm";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const place = await diskFiles.has(MEMORY) ? { dir: MEMORY } : {};
  const folder = await Deno.makeTempDir(place);
  try {
    await test(`${folder}/data`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function openStore(directory: string): Promise<SqliteStore> {
  return SqliteStore.open(directory, { strict: true, thread: "main" });
}

/** Makes the folder of a server without workers: each client has three messages that wait. */
async function makeSingle(folder: string): Promise<void> {
  const broker = await Broker.open(await openStore(folder));
  for (const id of CLIENTS) {
    const client = NodeClient.open(broker, id, { isDurable: true });
    await eventually("it is accepted", () => client.connack !== null);
    client.subscribe("t", 1);
    await eventually("it has subscribed", () => client.subacks.size === 1);
    client.cut();
  }
  for (const text of ["1", "2", "3"]) await broker.publish("t", text, { qos: 1, retain: true });
  await broker.close();
}

/** The clients with sessions, each with the texts that wait for it, in the order of the names. */
async function waiting(folder: string, workers: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < workers; i++) {
    const store = await openStore(workers === 1 ? folder : `${folder}/${i}`);
    for (const { value } of await store.scan("sessions", FIRST, null, ALL)) {
      const { clientId, readers } = readSession(value);
      // What the nodes keep for each other, after a move that was interrupted early.
      if (clientId.startsWith("\0")) continue;
      assertEquals(ownerOf(clientId, workers), i, "where it lives");
      const texts: string[] = [];
      for (const { logId } of readers) texts.push(...await textsOf(store, logId));
      found.push(`${clientId} ${texts}`);
    }
    assertEquals((await store.scan("retained", FIRST, null, ALL)).length, 1);
    await store.close();
  }
  return found.sort();
}

async function textsOf(store: Store, logId: number): Promise<string[]> {
  const texts: string[] = [];
  for (const page of await store.scan("entries", numberKey(logId), numberKey(logId + 1), ALL)) {
    const { entries } = readPage(page.value, (id) => MessageChunk.stored(id));
    for (const { place } of entries) {
      const [chunk] = await store.get("messages", [numberKey(place.chunk.id)]);
      const calendar = { toWall: (ms: number) => ms, toClock: (ms: number) => ms };
      const message = readChunk(chunk!, new Set([place.index]), calendar).get(place.index);
      assert(message instanceof Message);
      texts.push(new TextDecoder().decode(message.payload));
    }
  }
  return texts;
}

const EXPECTED = CLIENTS.map((id) => `${id} 1,2,3`);

/** The power fails in the middle of some step: that step is not done, and no other after it. */
class PowerFailure {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  get hasHappened(): boolean {
    return this.#left < 0;
  }

  readonly step = (): void => {
    if (--this.#left < 0) throw new Error("The power has failed");
  };

  readonly files: FolderFiles = {
    ...diskFiles,
    write: (path, text) => this.#do(() => diskFiles.write(path, text)),
    makeFolder: (path) => this.#do(() => diskFiles.makeFolder(path)),
    rename: (from, to) => this.#do(() => diskFiles.rename(from, to)),
    remove: (path) => this.#do(() => diskFiles.remove(path)),
    removeIfEmpty: (path) => this.#do(() => diskFiles.removeIfEmpty(path)),
    sync: (folder) => this.#do(() => diskFiles.sync(folder)),
  };

  readonly open = async (directory: string): Promise<Store> => {
    this.step();
    const store = await openStore(directory);
    const { commit } = store;
    store.commit = (batch: Batch) => this.#do(() => commit.call(store, batch));
    return store;
  };

  async #do<T>(operation: () => Promise<T>): Promise<T> {
    this.step();
    return await operation();
  }
}

const quiet = { files: diskFiles, open: openStore };

for (const [from, to] of [[1, 2], [2, 3], [3, 1], [2, 1]] as const) {
  Deno.test(`a move from ${from} to ${to} is interrupted at any step: nothing is lost or doubled`, () =>
    inFolder(async (folder) => {
      await makeSingle(folder);
      await checkNodeStores(folder, from, () => {}, quiet);
      for (let steps = 0;; steps++) {
        const copy = `${folder}-${steps}`;
        await copyFolder(folder, copy);
        const power = new PowerFailure(steps);
        const tools = { files: power.files, open: power.open };

        const moved = checkNodeStores(copy, to, () => {}, tools);
        if (!await moved.then(() => true, () => false)) assert(power.hasHappened);

        // Whoever comes back, with the new number or the old one.
        const next = steps % 2 === 0 ? to : from;
        await checkNodeStores(copy, next, () => {}, quiet);

        assertEquals(await waiting(copy, next), EXPECTED, `${steps} steps`);
        const names = await diskFiles.names(copy);
        assertEquals(names.filter((name) => name.startsWith("rehome")), []);
        assertEquals(names.includes("fairway.db"), next === 1);
        assertEquals(names.includes("workers"), next !== 1);
        if (!power.hasHappened) {
          assert(steps > 15, `there are ${steps} steps`);
          return;
        }
      }
    }));
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

Deno.test("a move tells what was moved", () =>
  inFolder(async (folder) => {
    await makeSingle(folder);
    const lines: string[] = [];
    await checkNodeStores(folder, 2, (line) => lines.push(line), quiet);
    await checkNodeStores(folder, 2, (line) => lines.push(line), quiet);
    assertEquals(lines.map((line) => line.replace(/[\d.]+ s;/, "N s;")), [
      `Moving the sessions in ${folder} from one store to 2 workers`,
      "Moved to 2 workers in N s; sessions: 5, messages: 15",
    ]);
  }));

Deno.test("a new folder is made for its workers, and one without workers stays as it is", () =>
  inFolder(async (folder) => {
    await checkNodeStores(folder, 1, () => {}, quiet);
    assertEquals(await diskFiles.has(folder), false);
    await checkNodeStores(folder, 2, () => {}, quiet);
    assertEquals(await diskFiles.read(`${folder}/workers`), "2\n");
    assertEquals(await diskFiles.names(folder), ["workers"]);
  }));

Deno.test("a folder with a damaged store is refused, and nothing changes", () =>
  inFolder(async (folder) => {
    await makeSingle(folder);
    await checkNodeStores(folder, 2, () => {}, quiet);
    const database = `${folder}/1/fairway.db`;
    const bytes = await Deno.readFile(database);
    bytes.fill(0xff, 100, 5000);
    await Deno.writeFile(database, bytes);
    await assertRejects(
      () => checkNodeStores(folder, 3, () => {}, quiet),
      StartError,
      `cannot move the sessions in ${folder} to 3 workers: Cannot open ${database}`,
    );
    assertEquals(await Deno.readFile(database), bytes);
    assertEquals(await diskFiles.read(`${folder}/workers`), "2\n");
    assertEquals(await diskFiles.has(`${folder}/2`), false);
  }));

Deno.test("a folder that another server uses is refused", () =>
  inFolder(async (folder) => {
    await makeSingle(folder);
    const store = await openStore(folder);
    const move = () => checkNodeStores(folder, 2, () => {}, quiet);
    await assertRejects(move, StartError, `${folder} is in use by another broker`);
    await store.close();
    await move();
    const node = await openStore(`${folder}/1`);
    await assertRejects(
      () => checkNodeStores(folder, 1, () => {}, quiet),
      StartError,
      "is in use by another broker",
    );
    await node.close();
    assertEquals(await waiting(folder, 2), EXPECTED);
  }));

Deno.test("a store that does not belong to the others is not overwritten", () =>
  inFolder(async (folder) => {
    await makeSingle(folder);
    await Deno.mkdir(`${folder}/1`);
    await Deno.writeTextFile(`${folder}/1/fairway.db`, "");
    await assertRejects(
      () => checkNodeStores(folder, 2, () => {}, quiet),
      StartError,
      `${folder}/1 has a store that does not belong to the others`,
    );
  }));

Deno.test("a file that does not say how many workers there are is refused", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/workers`, "few\n");
    await assertRejects(
      () => checkNodeStores(folder, 2, () => {}, quiet),
      StartError,
      `workers expects a number of workers, not "few"`,
    );
  }));

Deno.test("a client that reads a stream with No Local cannot leave the first worker, and is named", () =>
  inFolder(async (folder) => {
    const broker = await Broker.open(await openStore(folder));
    await broker.declareStream({ name: "log", filters: ["t/#"], maxMessages: 10 });
    for (const id of ["ann", "eve"]) {
      assertEquals(ownerOf(id, 2), id === "eve" ? 1 : 0);
      const client = NodeClient.open(broker, id, { isDurable: true });
      await eventually("it is accepted", () => client.connack !== null);
      client.subscribe("$replay/log/earliest/t/#", 1, { noLocal: true });
      await eventually("it has subscribed", () => client.subacks.get(1)?.[0] === 1);
      client.cut();
    }
    await broker.close();
    await assertRejects(
      () => checkNodeStores(folder, 2, () => {}, quiet),
      StartError,
      'client "eve" reads a stream with No Local, so it cannot leave the first worker; nothing was',
    );
    assertEquals(await diskFiles.has(`${folder}/fairway.db`), true);
    assertEquals(await diskFiles.has(`${folder}/0`), false);
  }));
