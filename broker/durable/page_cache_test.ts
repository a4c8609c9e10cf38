import { assert, assertEquals } from "@std/assert";
import type { Store } from "../../store/store.ts";
import { JournalWorld } from "../testdata/journal_world.ts";
import { message, textOf } from "../testdata/messages.ts";
import { MessageChunk } from "./message_chunk.ts";
import type { DurableLog } from "./durable_log.ts";
import { LOST_VARIANT, type MessagePage, PAGE_ENTRIES } from "./message_page.ts";
import { type CacheHost, PageCache } from "./page_cache.ts";

/** How many pages stay in memory, whatever they weigh, and how many are read at once. */
const PAGES_MIN = 32;
const LOADS_MAX = 16;

/** Pages that are on the disk, and a cache with a store that a test can make fail. */
class World implements CacheHost {
  readonly all = new JournalWorld();
  readonly log: DurableLog;
  readonly pages: MessagePage[] = [];
  readonly cache: PageCache;
  readonly calendar = { toWall: (ms: number) => ms, toClock: (ms: number) => ms };
  readonly store: Store;
  bytesMax = 0;
  /** Rows that cannot be found. */
  readonly missing = new Set<string>();
  /** Whether reads fail. */
  isFailing = false;
  /** Reads that are in progress, and the most of them at once. */
  reads = 0;
  readsMost = 0;
  lost = 0;
  readonly errors: string[] = [];
  readonly #chunks = new Map<number, MessageChunk>();
  readonly #retries: (() => void)[] = [];

  private constructor() {
    const { store } = this.all;
    this.store = {
      get: async (table: "entries" | "messages", keys: readonly Uint8Array[]) => {
        this.readsMost = Math.max(this.readsMost, ++this.reads);
        try {
          const rows = await store.get(table, keys);
          if (this.isFailing) throw new Error("The disk is gone");
          return this.missing.has(table) ? rows.map(() => null) : rows;
        } finally {
          this.reads--;
        }
      },
    } as Partial<Store> as Store;
    this.cache = new PageCache(this);
    this.log = this.all.journal.newLog();
  }

  /** A world with so many pages on the disk, none of them in memory. */
  static async of(pages: number): Promise<World> {
    const world = new World();
    // Somebody reads the log, so it is kept.
    world.log.cursor();
    for (let i = 0; i < pages * PAGE_ENTRIES; i++) world.log.append(message("t", `${i}`));
    await world.all.settle();
    for (let page: MessagePage | null = world.log.firstPage; page !== null; page = page.next) {
      for (const { place: { chunk } } of page.entries ?? []) world.#chunks.set(chunk.id, chunk);
      world.pages.push(page);
      if (page.entries !== null) page.evict();
    }
    return world;
  }

  chunkOf(id: number): MessageChunk {
    return this.#chunks.get(id) ?? MessageChunk.stored(id);
  }

  onLost(messages: number): void {
    this.lost += messages;
  }

  reportError(error: unknown): void {
    this.errors.push((error as Error).message);
  }

  later(_ms: number, call: () => void): void {
    this.#retries.push(call);
  }

  /** Has failed reads tried again. */
  retry(): void {
    for (const call of this.#retries.splice(0)) call();
  }

  load(page: MessagePage): Promise<void> {
    return new Promise((resolve) => this.cache.load(this.log, page, resolve));
  }

  /** Which pages are in memory. */
  get inMemory(): number[] {
    return this.pages.flatMap((page, i) => page.entries === null ? [] : [i]);
  }
}

Deno.test("PageCache loads a page with its messages", async () => {
  const world = await World.of(2);
  const page = world.pages[1]!;
  await world.load(page);
  const texts = page.entries!.map((entry) => textOf(entry.message!));
  assertEquals(texts, Array.from({ length: PAGE_ENTRIES }, (_, i) => `${PAGE_ENTRIES + i}`));
  assertEquals([world.inMemory, world.cache.bytes], [[1], page.weight]);
});

Deno.test("PageCache reads a page once for all who wait for it", async () => {
  const world = await World.of(1);
  const page = world.pages[0]!;
  await Promise.all([world.load(page), world.load(page), world.load(page)]);
  assertEquals([world.readsMost, page.entries!.length], [1, PAGE_ENTRIES]);
  // One that is there is not read again.
  const { entries } = page;
  await world.load(page);
  assert(page.entries === entries);
});

Deno.test("PageCache reads a limited number of pages at once, and all in the end", async () => {
  const world = await World.of(LOADS_MAX + 5);
  await Promise.all(world.pages.map((page) => world.load(page)));
  assertEquals([world.readsMost, world.inMemory.length], [LOADS_MAX, LOADS_MAX + 5]);
});

Deno.test("PageCache evicts the oldest pages beyond its bytes, but keeps some however large", async () => {
  const world = await World.of(PAGES_MIN + 2);
  for (const page of world.pages) await world.load(page);
  assertEquals(world.inMemory, Array.from({ length: PAGES_MIN }, (_, i) => i + 2));
  const { weight } = world.pages[0]!;
  assert(world.cache.bytes > 0);
  world.bytesMax = 100 * weight;
  await world.load(world.pages[0]!);
  assertEquals(world.inMemory.length, PAGES_MIN + 1);
});

Deno.test("PageCache.remove() no longer counts a page, nor evicts it", async () => {
  const world = await World.of(PAGES_MIN + 1);
  await world.load(world.pages[0]!);
  world.cache.remove(world.pages[0]!);
  world.cache.remove(world.pages[0]!);
  assertEquals(world.cache.bytes, 0);
  for (const page of world.pages.slice(1)) await world.load(page);
  assertEquals(world.inMemory.length, PAGES_MIN + 1);
});

Deno.test("PageCache reads again after a failure, which it reports once, and calls nobody before", async () => {
  const world = await World.of(2);
  world.isFailing = true;
  let isLoaded = false;
  const loads = world.pages.map((page) => world.load(page));
  loads[0]!.then(() => isLoaded = true);
  for (let i = 0; i < 3; i++) {
    await world.all.settle();
    world.retry();
  }
  await world.all.settle();
  assertEquals([isLoaded, world.errors], [false, ["The disk is gone"]]);
  world.isFailing = false;
  world.retry();
  await Promise.all(loads);
  assertEquals([world.inMemory, world.lost], [[0, 1], 0]);
  // The next failure is another one.
  for (const page of world.pages) page.evict();
  world.isFailing = true;
  world.load(world.pages[0]!);
  await world.all.settle();
  assertEquals(world.errors.length, 2);
});

Deno.test("PageCache counts messages as lost whose page or chunk is not there, and goes on", async () => {
  for (const table of ["entries", "messages"]) {
    const world = await World.of(1);
    const [page] = world.pages;
    world.missing.add(table);
    await world.load(page!);
    assertEquals(page!.entries!.map(({ message }) => message), Array(PAGE_ENTRIES).fill(null));
    assertEquals(world.lost, PAGE_ENTRIES);
    if (table === "entries") assertEquals(page!.entries![0]!.variant, LOST_VARIANT);
  }
});

Deno.test("PageCache does not load a page that was removed meanwhile", async () => {
  const world = await World.of(2);
  const [page] = world.pages;
  const load = world.load(page!);
  page!.isDropped = true;
  await load;
  assertEquals([page!.entries, world.lost, world.cache.bytes], [null, 0, 0]);
});
