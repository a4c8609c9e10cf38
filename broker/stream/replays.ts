/** The subscriptions of one session that read streams. */
import type { Variant } from "../../router/variant.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import { shownClientId } from "../base/stream_reader.ts";
import type { ClientLink } from "../session/client_link.ts";
import type { ReplayRecord, SessionReplays } from "../session/session_replays.ts";
import { TokenBucket } from "../limits/token_bucket.ts";
import type { BrokerStreams, DeclaredStream } from "./broker_streams.ts";
import { HeldMessages } from "./held_messages.ts";
import { Memberships } from "./memberships.ts";
import { Replay, type ReplayOptions, type ReplayRequest } from "./replay.ts";
import { RestoredMessage } from "./restored_message.ts";
import { sendRecord } from "./send_record.ts";
import type { ReplayingSession } from "./replaying_session.ts";
import { ReplayedMessage } from "./replayed_message.ts";
import type { StreamInflight } from "./stream_inflight.ts";
import type { StreamPlace } from "./stream_place.ts";

/** The cost of sending one message, in units of the turn budget: about a microsecond. */
const UNITS_PER_MESSAGE = 1;
/** The cost of looking at a message that does not match. */
const UNITS_PER_SEARCH = 32;

/** The subscriptions of one session that read streams, in turn. */
export class Replays implements SessionReplays {
  readonly #context: BrokerContext;
  readonly #streams: BrokerStreams;
  readonly #session: ReplayingSession;
  /** Subscriptions that are members of groups. */
  readonly memberships: Memberships;
  readonly #byKey = new Map<string, Replay>();
  #order: Replay[] = [];
  #turn = 0;
  /** The rate of new replays of the client; `null` before the first. */
  #pace: { rate: number; burst: number; bucket: TokenBucket } | null = null;
  /** Whether it waits for another turn of the event loop. */
  #isLate = false;
  /** The messages that wait for a commit. */
  readonly #held = new HeldMessages();
  /** Messages of an earlier start that may be gone: what comes after them has to tell of it. */
  #restored: RestoredMessage[] = [];

  constructor(context: BrokerContext, streams: BrokerStreams, session: ReplayingSession) {
    this.#context = context;
    this.#streams = streams;
    this.#session = session;
    this.memberships = new Memberships(streams, session);
  }

  get size(): number {
    return this.#order.length + this.memberships.size;
  }

  /** The subscription with a key. */
  get(key: string): Replay | undefined {
    return this.#byKey.get(key);
  }

  /** The request of each subscription. */
  requests(): readonly ReplayRequest[] {
    return this.#order.map(({ request }) => request);
  }

  /** Adds a subscription, in place of one with the same key. */
  add(
    request: ReplayRequest,
    options: ReplayOptions,
    declared: DeclaredStream,
    cursor: StreamCursor,
  ): void {
    this.remove(request.key);
    this.#add(request, { ...options, at: 0, until: 0, lost: null }, declared, cursor);
  }

  /** Changes the options of the subscription with a key. */
  change(key: string, options: ReplayOptions): void {
    this.#byKey.get(key)?.change(options);
    this.#session.queue.markChanged();
  }

  /** Adds a subscription from the store. */
  restore(record: ReplayRecord): void {
    if (record.group !== "") return this.memberships.restore(record);
    const { qos: _q, identifier: _i, noLocal: _n, ...rest } = record;
    const { at: _a, until: _u, lost: _l, ...request } = rest;
    this.#add(request, record, undefined, null);
  }

  /** Adds a message in flight from the store. */
  restoreInflight(place: StreamPlace, variant: Variant): StreamInflight {
    const host = {
      context: this.#context,
      find: async ({ source: { stream, streamId }, seq }: StreamPlace) =>
        await this.#streams.onDisk?.find(stream, streamId, seq) ?? null,
      onGone: ({ source: { key }, seq }: StreamPlace) => {
        this.#byKey.get(key)?.lose(seq);
        this.#session.queue.markChanged();
      },
    };
    const restored = new RestoredMessage(host, place, variant);
    this.#restored.push(restored);
    return restored;
  }

  #add(
    request: ReplayRequest,
    options: ReplayOptions & Pick<ReplayRecord, "at" | "until" | "lost">,
    declared: DeclaredStream | undefined,
    cursor: StreamCursor | null,
  ): void {
    const wake = () => this.#session.link?.outbox.hurry();
    const replay = new Replay(request, options, declared?.log ?? null, cursor, wake);
    this.#byKey.set(request.key, replay);
    this.#order.push(replay);
    this.#streams.replays++;
    this.#session.queue.markChanged();
  }

  remove(key: string): boolean {
    const replay = this.#byKey.get(key);
    if (replay === undefined) return this.memberships.remove(key);
    this.#byKey.delete(key);
    this.#streams.replays--;
    this.#order = this.#order.filter((one) => one !== replay);
    this.#leave(replay);
    this.#session.queue.markChanged();
    return true;
  }

  whenRemoved(): null {
    return null;
  }

  /** Its messages are messages of the session. */
  onAnswer(): boolean {
    return false;
  }

  records(): readonly ReplayRecord[] {
    return [...this.#order.map(({ record }) => record), ...this.memberships.records()];
  }

  onAttached(): void {
    this.memberships.onAttached();
  }

  onDetached(): void {
    this.memberships.onDetached();
  }

  end(): void {
    for (const replay of this.#order) this.#leave(replay);
    this.#streams.replays -= this.#order.length;
    this.#order = [];
    this.#byKey.clear();
    this.memberships.end();
  }

  /** Whether the rate of new replays allows the client one more now. */
  mayBegin(): boolean {
    const { clock, limits } = this.#context;
    const { replaySubscribesPerSecondMax: rate, replaySubscribesBurst: burst } = limits;
    if (rate === 0) return true;
    if (this.#pace?.rate !== rate || this.#pace.burst !== burst) {
      this.#pace = { rate, burst, bucket: new TokenBucket(rate, burst, clock.now()) };
    }
    return this.#pace.bucket.take(clock.now());
  }

  sendNext(link: ClientLink): boolean {
    if (this.#isLate) return false;
    let hasSent = this.memberships.sendNext();
    if (this.#restored.length > 0) {
      this.#restored = this.#restored.filter(({ isPending }) => isPending);
      if (this.#restored.length > 0) return hasSent;
    }
    // Another one comes first each time, because the first may use up what the client takes.
    const start = this.#turn++;
    for (let i = 0; i < this.#order.length; i++) {
      const replay = this.#order[(start + i) % this.#order.length]!;
      const before = replay.cursor?.at;
      if (!replay.isWaiting && this.#send(replay, link)) hasSent = true;
      if (replay.cursor?.at !== before && this.#session.expirySeconds > 0) {
        this.#session.queue.markChanged();
      }
      if (this.#isLate || !link.outbox.hasRoom) break;
    }
    return hasSent && !this.#isLate;
  }

  /** Sends messages, as long as there are any, the client takes them, and the turn has time. */
  #send(replay: Replay, link: ClientLink): boolean {
    const { share } = this.#streams;
    let hasSent = false;
    if (!share.begin()) {
      this.#goOnLater();
      return false;
    }
    while (link.outbox.hasRoom) {
      if (replay.variant.qos > 0 && !this.#mayOpen(replay)) break;
      if (!this.#isThere(replay)) break;
      const found = replay.cursor!.next();
      if (found === "end") {
        this.#park(replay);
        break;
      }
      if (found === "unloaded") {
        replay.load(this.#context);
        break;
      }
      if (found === "message") this.#sendOne(replay, link);
      hasSent = true;
      if (share.spend(found === "message" ? UNITS_PER_MESSAGE : UNITS_PER_SEARCH)) {
        this.#goOnLater();
        break;
      }
    }
    share.end();
    replay.cursor?.release();
    this.#countGaps(replay);
    return hasSent;
  }

  /** Whether one more message may be in flight. */
  #mayOpen({ variant: { qos }, inflight }: Replay): boolean {
    if (!this.#session.openInflight().mayOpen) return false;
    if (qos === 1) return true;
    // A resume begins at the first QoS 1 message in flight, so no QoS 2 message may come after it.
    return inflight.size === 0 && !this.#held.isFull(this.#context.limits.replayAheadBytesMax);
  }

  /** Whether the stream is declared. If not, this is checked again when one is declared. */
  #isThere(replay: Replay): boolean {
    if (replay.log?.isRemoved) replay.startOver();
    if (replay.cursor !== null) return true;
    const declared = this.#streams.get(replay.request.stream);
    if (declared === undefined) {
      replay.isWaiting = true;
      this.#streams.whenDeclared(replay);
      return false;
    }
    replay.begin(declared.log, this.#context);
    return replay.cursor !== null;
  }

  #park(replay: Replay): void {
    replay.isWaiting = true;
    replay.log!.waiters.add(replay);
  }

  #leave(replay: Replay): void {
    replay.log?.waiters.delete(replay);
    this.#streams.forget(replay);
  }

  #countGaps({ cursor }: Replay): void {
    if (cursor === null || cursor.missed === 0) return;
    this.#context.stats.dropped["stream-gap"] += cursor.missed;
    cursor.missed = 0;
  }

  #sendOne(replay: Replay, link: ClientLink): void {
    const cursor = replay.cursor!;
    const session = this.#session;
    if (replay.noLocal && cursor.publisher === session.clientId) return;
    if (!session.mayReceive(cursor.topic)) return this.#context.countWithheld(1);
    const { gap } = replay;
    const from = cursor.gap?.from ?? cursor.seq;
    if (cursor.record.expirySeconds < 0 && this.#sendAsIs(replay, link, from)) return;
    const message = replay.message(link.wire.v5, this.#context);
    if (message === null) return;
    const { variant } = replay;
    if (variant.qos === 0) {
      // It only sends what there is room for, so nothing may be skipped.
      if (!link.send(message, variant, 0, 0, false, true)) this.#unsent(link, message);
      return;
    }
    const { window } = session.openInflight();
    const kept = session.expirySeconds > 0 ? message.keep() : null;
    const sent = new ReplayedMessage(kept, replay, cursor.topic, cursor.seq, from);
    const exchange = window.open(sent.qos, sent);
    if (sent.qos === 2 && kept !== null && session.queue.isDurable) {
      sent.wasSent = false;
      sent.place = { source: replay.source, seq: cursor.seq, gap };
      this.#held.add(sent, kept.weight);
      return void session.queue.sendStored(exchange);
    }
    if (link.send(message, variant, sent.qos, exchange.packetId, false)) return;
    window.close(exchange);
    sent.onFinished();
    this.#unsent(link, message);
  }

  /** Sends a message without creating an object for it. Returns false if that is not possible. */
  #sendAsIs(replay: Replay, link: ClientLink, from: number): boolean {
    const cursor = replay.cursor!;
    const { variant: { qos }, topic } = replay;
    if (!link.sender!.isPlain(qos) || replay.lost !== null) return false;
    if (qos > 0 && this.#session.expirySeconds > 0) return false;
    let isSent: boolean;
    if (qos === 0) isSent = sendRecord(link, cursor, topic, replay.variant, 0, 1);
    else {
      const { window } = this.#session.openInflight();
      const { name } = cursor.knownTopic;
      const sent = new ReplayedMessage(null, replay, name, cursor.seq, from);
      const exchange = window.open(qos, sent);
      isSent = sendRecord(link, cursor, topic, replay.variant, exchange.packetId, 1);
      if (!isSent) {
        window.close(exchange);
        sent.onFinished();
      }
    }
    // The general way reports the reason.
    if (isSent) cursor.gap = null;
    return isSent;
  }

  #unsent(link: ClientLink, message: Message): void {
    // The message is still in its stream.
    const clientId = shownClientId(this.#session.clientId);
    this.#context.countDrop(link.whyUnsent(message), message.name, clientId);
  }

  /** Continues in a later turn, after other work. */
  #goOnLater(): void {
    this.#isLate = true;
    this.#streams.share.later(() => {
      this.#isLate = false;
      this.#session.link?.outbox.hurry();
    });
  }
}
