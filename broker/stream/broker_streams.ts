/** The streams of a broker: declares and restores them, and appends publications to them. */
import type { Receipt } from "../../log/receipt.ts";
import type { Router } from "../../router/router.ts";
import { Subscription } from "../../router/subscription.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import type { Store } from "../../store/store.ts";
import { ChunkCache } from "../../stream/chunk_cache.ts";
import { StoreCommits } from "../../stream/store_commits.ts";
import { Stream } from "../../stream/stream.ts";
import type { References } from "../../stream/held_chunks.ts";
import type { StreamCommits, StreamLog } from "../../stream/stream_log.ts";
import type { StreamWaiter } from "../../stream/stream_waiters.ts";
import { StreamTable } from "../../stream/stream_table.ts";
import { nextTrimMs } from "../../stream/trim.ts";
import type { Commit } from "../base/commit.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import { Deadline } from "../base/scheduler.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { JournalCommits, type StreamJournal } from "./journal_commits.ts";
import { DeadLetters } from "./dead_letters.ts";
import { watchGroups } from "./group_dispatches.ts";
import { declarationOf, type StreamDeclaration, type StreamOptions } from "./stream_options.ts";
import { ReplayShare } from "./replay_share.ts";
import { StreamReceiver } from "./stream_receiver.ts";

/** The journal, as streams need it. */
export interface StreamsJournal extends StreamJournal {
  /** Whether no more messages can be stored. */
  readonly isFull: boolean;
  /** The commit after which the current state is on the disk; `null` if it already is. */
  readonly latest: Commit | null;
  /** Copies messages that streams drop to the sessions that refer to them. */
  readonly references: References;
  /** Closes when the contents of a commit are on the disk. */
  whenStored(commit: Commit): Receipt;
}

/** What streams need of the broker. */
export interface StreamsHost {
  readonly context: BrokerContext;
  readonly router: Router<Receiver>;
  readonly publisher: { onStoring(): void; needRoom(room: Receipt): void };
  /** The journal; `null` for a broker that keeps all in memory. */
  readonly journal: StreamsJournal | null;
}

/** A stream that was declared. */
export interface DeclaredStream {
  readonly declaration: StreamDeclaration;
  readonly log: StreamLog;
  readonly stream: Stream;
  readonly receiver: StreamReceiver;
  /** Removes messages that are too old when nothing else happens. */
  readonly trim: Deadline;
}

/** The streams of a broker. */
export class BrokerStreams {
  /**
   * The number of subscriptions of all sessions that read a stream, without groups; counted by
   * `replays.ts`.
   */
  replays = 0;
  /** The share of a turn that replays use. */
  readonly share: ReplayShare;
  readonly #host: StreamsHost;
  readonly #declared = new Map<string, DeclaredStream>();
  /** Streams that are no longer declared, and take no messages. */
  readonly #retired = new Map<string, DeclaredStream>();
  readonly #memory = new MemoryStore();
  readonly #memoryCommits = new StoreCommits(this.#memory);
  #inMemory: StreamTable | null = null;
  /** The streams of the store; `null` without one. Set by {@linkcode open}. */
  onDisk: StreamTable | null = null;
  #caches: ChunkCache[] = [];
  /** The bytes that wait for a commit. */
  readonly #gathering: { commit: Commit | null; bytes: number } = { commit: null, bytes: 0 };
  /** The last change of a declaration; the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #waiters = new Set<StreamWaiter>();
  /** Handles messages that no member of a group can receive. */
  readonly deadLetters: DeadLetters;

  constructor(host: StreamsHost) {
    this.share = new ReplayShare(host.context);
    this.#host = host;
    this.deadLetters = new DeadLetters(this);
  }

  /** Every stream that was declared. */
  get declared(): readonly DeclaredStream[] {
    return [...this.#declared.values()];
  }

  /** Whether any stream was declared. */
  get isEmpty(): boolean {
    return this.#declared.size === 0;
  }

  /** The names of streams that are in the store, but not declared. */
  get undeclared(): readonly string[] {
    const stored = this.onDisk?.undeclared.map(({ name }) => name) ?? [];
    return [...stored, ...this.#retired.keys()];
  }

  /** The memory of all streams, in bytes. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const { log } of this.#all()) bytes += log.memoryBytes;
    for (const cache of this.#caches) bytes += cache.bytes;
    return bytes;
  }

  /** The stream with a name. */
  get(name: string): DeclaredStream | undefined {
    return this.#declared.get(name);
  }

  /**
   * Reads the names of the streams in a store.
   *
   * @throws {StoreError} If it cannot be read.
   */
  async open(store: Store): Promise<void> {
    const journal = this.#host.journal!;
    this.onDisk = await this.#table(store, new JournalCommits(journal), journal.references);
    this.#host.context.stats.storeRowsLost += this.onDisk.unreadable;
  }

  /**
   * Declares a stream, or changes its declaration.
   *
   * @throws {RangeError} If an option is out of range, or there are too many streams.
   * @throws {StoreError} If the store cannot be read.
   */
  declare(options: StreamOptions): Promise<Stream> {
    return this.#inOrder(() => this.#declare(options));
  }

  /** Removes a stream with everything in it. Returns whether there was one. */
  remove(name: string): Promise<boolean> {
    return this.#inOrder(() => this.#remove(name));
  }

  /**
   * Stops a stream from taking messages. It keeps what it has, and its readers continue. Returns
   * whether there was one.
   */
  retire(name: string): Promise<boolean> {
    return this.#inOrder(() => this.#retire(name));
  }

  /** Runs changes of declarations one after the other, because each reads the store. */
  #inOrder<T>(act: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(act);
    this.#last = result.catch(() => {});
    return result;
  }

  async #declare(options: StreamOptions): Promise<Stream> {
    const declaration = declarationOf(options);
    const { name } = declaration;
    const { streamsMax } = this.#host.context.limits;
    const isThere = this.#declared.has(name);
    if (!isThere && this.#declared.size >= streamsMax) {
      throw new RangeError(`Cannot declare stream "${name}": there are ${streamsMax} already`);
    }
    const known = this.#declared.get(name) ?? this.#retired.get(name);
    const isOnDisk = declaration.store === "disk" && this.onDisk !== null;
    if (this.#storeOf(name) === (isOnDisk ? "memory" : "disk")) {
      throw new RangeError(`Cannot move stream "${name}" to another store: remove it first`);
    }
    const table = isOnDisk ? this.onDisk! : await this.#memoryTable();
    const log = table.declare(name, JSON.stringify(options), options);
    await log.ready();
    if (isThere) this.#unsubscribe(known!);
    const receiver = new StreamReceiver(this.#receiverHost(isOnDisk), log, declaration);
    const stream = known?.stream ?? new Stream(log, this.#keeper(isOnDisk));
    const trim = new Deadline(() => this.#trim(log, trim));
    const declared: DeclaredStream = { declaration, log, stream, receiver, trim };
    this.#retired.delete(name);
    this.#declared.set(name, declared);
    this.#subscribe(declared);
    this.deadLetters.watchDrops();
    this.#trim(log, trim);
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.wake();
    watchGroups(this, log);
    return stream;
  }

  async #remove(name: string): Promise<boolean> {
    this.#retire(name);
    await this.onDisk?.empty(name);
    this.#retired.delete(name);
    return [this.onDisk?.remove(name), this.#inMemory?.remove(name)].includes(true);
  }

  #retire(name: string): boolean {
    const declared = this.#declared.get(name);
    if (declared === undefined) return false;
    this.#unsubscribe(declared);
    this.#declared.delete(name);
    this.#retired.set(name, declared);
    declared.log.keep();
    return true;
  }

  /** Where a known stream is kept; `null` for an unknown one. */
  #storeOf(name: string): "disk" | "memory" | null {
    if (this.#inMemory?.get(name) !== undefined) return "memory";
    return this.onDisk?.has(name) ? "disk" : null;
  }

  #all(): DeclaredStream[] {
    return [...this.#declared.values(), ...this.#retired.values()];
  }

  /** Wakes `waiter`, once, when a stream is declared. */
  whenDeclared(waiter: StreamWaiter): void {
    this.#waiters.add(waiter);
  }

  /** Removes a waiter. */
  forget(waiter: StreamWaiter): void {
    this.#waiters.delete(waiter);
  }

  // The interfaces that members of groups need.

  get context(): BrokerContext {
    return this.#host.context;
  }

  /** The stream with a name, if it is declared. */
  logOf(name: string): StreamLog | undefined {
    return this.#declared.get(name)?.log;
  }

  /** Whether nothing can be stored in a stream at the moment. */
  isFull({ declaration: { store } }: { declaration: StreamDeclaration }): boolean {
    return store === "disk" && this.#host.journal !== null && this.#host.journal.isFull;
  }

  /** The commit after which the current state is on the disk; `null` if it already is. */
  get latest(): Commit | null {
    return this.#host.journal?.latest ?? null;
  }

  /** Ends all reads of the program. */
  close(): void {
    for (const { log } of this.#all()) log.end();
  }

  #subscribe({ declaration, receiver }: DeclaredStream): void {
    const options = {
      qos: 2,
      noLocal: false,
      retainAsPublished: true,
      retainHandling: 2,
      identifier: 0,
    } as const;
    for (const filter of declaration.filters) {
      this.#host.router.subscribe(new Subscription<Receiver>(receiver, filter, options));
    }
  }

  #unsubscribe({ declaration, receiver, trim }: DeclaredStream): void {
    for (const filter of declaration.filters) this.#host.router.unsubscribe(receiver, filter);
    this.#host.context.scheduler.clear(trim);
  }

  /** Removes messages that are too old, and sets the time for the next ones. */
  #trim(log: StreamLog, deadline: Deadline): void {
    if (log.isRemoved) return;
    log.trim();
    const dueMs = nextTrimMs(log);
    const { maxAgeMs } = log.retention;
    if (maxAgeMs === Infinity) return;
    const { scheduler, calendar, clock } = this.#host.context;
    const atMs = dueMs === Infinity ? clock.now() + maxAgeMs : calendar.toClock(dueMs);
    scheduler.set(deadline, Math.max(atMs, clock.now() + 1));
  }

  async #memoryTable(): Promise<StreamTable> {
    return this.#inMemory ??= await this.#table(this.#memory, this.#memoryCommits, null);
  }

  async #table(store: Store, commits: StreamCommits, references: References | null) {
    const { context } = this.#host;
    const cache = new ChunkCache(store, () => context.limits.streamCacheBytesMax);
    this.#caches.push(cache);
    return await StreamTable.open({
      store,
      commits,
      cache,
      references,
      now: context.settings.wallClock,
      reportError: (error) => context.reportError(error),
      pause: () => context.turns.next(),
      topicsMax: () => context.limits.streamTopicsMax,
      aheadBytesMax: () => context.limits.replayAheadBytesMax,
    });
  }

  #receiverHost(isOnDisk: boolean) {
    const { publisher, context } = this.#host;
    const host = this.#host;
    return {
      get isFull(): boolean {
        return isOnDisk && host.journal!.isFull;
      },
      storing: (bytes: number) => {
        if (!isOnDisk) return;
        publisher.onStoring();
        this.#weigh(bytes);
      },
      reportDrop: (message: Message) => context.reportDrop("stream-full", message, null),
    };
  }

  /** Counts bytes to be stored. Past a limit publishers wait for the commit in progress. */
  #weigh(bytes: number): void {
    const journal = this.#host.journal!;
    const { gathering, latest } = journal;
    const state = this.#gathering;
    if (state.commit !== gathering) {
      state.commit = gathering;
      state.bytes = 0;
    }
    state.bytes += bytes;
    if (state.bytes <= this.#host.context.limits.journalBytesMax) return;
    this.#host.publisher.needRoom((latest ?? gathering).over);
  }

  #keeper(isOnDisk: boolean) {
    const { context, journal } = this.#host;
    return {
      now: context.settings.wallClock,
      pause: () => context.turns.next(),
      whenStored: async (input: { isRevoked: boolean }) => {
        if (!isOnDisk || journal === null) return await this.#memoryCommits.whenStored(input);
        await journal.whenStored(journal.latest ?? journal.gathering);
      },
    };
  }
}
