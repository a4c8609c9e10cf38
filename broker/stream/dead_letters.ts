/** Keeps undeliverable messages in the streams that were declared for them. */
import { matchesFilter } from "../../router/topic.ts";
import type { StreamInput } from "../../stream/record.ts";
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import { encodeProperties } from "../../stream/stream_properties.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import type { DropReason } from "../base/stats.ts";
import { TokenBucket } from "../limits/token_bucket.ts";
import type { DeadLetterKeeper, UndeliverableMessage } from "./undeliverable_message.ts";
import { type DeadReason, isExcluded, type StreamDeclaration } from "./stream_options.ts";

/** A stream, as dead letters need it. */
export interface DeadLetterStream {
  readonly declaration: StreamDeclaration;
  readonly log: StreamLog;
}

/** What dead letters need of the streams of the broker. */
export interface DeadLettersHost {
  readonly context: BrokerContext;
  /** Every stream that was declared. */
  readonly declared: readonly DeadLetterStream[];
  /** The stream with a name, if it is declared. */
  get(name: string): DeadLetterStream | undefined;
  /** Whether nothing can be stored in a stream at the moment. */
  isFull(stream: DeadLetterStream): boolean;
}

/** The user properties that the broker adds to a dead letter. */
type Marks = readonly (readonly [name: string, value: string | number | null])[];

/** A message whose properties and payload are in one buffer. */
type Source = Omit<StreamInput, "expirySeconds" | "isRevoked">;

/**
 * Keeps undeliverable messages in the streams that were declared for them. A dead letter never
 * causes another one.
 */
export class DeadLetters implements DeadLetterKeeper {
  readonly #host: DeadLettersHost;
  /** The rate of dead letters. Beyond it those of groups wait, and others are only counted. */
  readonly #ofGroups: Rate;
  readonly #ofDrops: Rate;

  constructor(host: DeadLettersHost) {
    this.#host = host;
    this.#ofGroups = new Rate(host);
    this.#ofDrops = new Rate(host);
  }

  deliveriesMax({ name }: StreamLog): number {
    return this.#host.get(name)?.declaration.maxDeliver ?? Infinity;
  }

  keep(log: StreamLog, cursor: StreamCursor, dead: UndeliverableMessage): boolean {
    const { context } = this.#host;
    const { reason, clientId, group, pending } = dead;
    const declaration = this.#host.get(log.name)?.declaration;
    const isWanted = reason !== "expired" || declaration?.deadReasons.includes("expired");
    const isFault = reason === "refused" || reason === "max-deliver";
    const name = declaration?.dead ?? null;
    if (!isWanted || name === null || this.#isForDead(log.name)) {
      context.countDrop(isFault ? "undeliverable" : reason, cursor.topic, clientId);
      return true;
    }
    const target = this.#host.get(name);
    if (target === undefined || this.#host.isFull(target)) return false;
    if (!this.#ofGroups.take()) return false;
    const { record, knownTopic: { bytes: topic } } = cursor;
    this.#append(target, { ...partsOf(record), topic }, [
      ["dead-reason", reason],
      ["dead-client", clientId],
      ["dead-group", group],
      ["dead-count", pending.deliveries],
      ["dead-stream", log.name],
      ["dead-seq", pending.seq],
    ]);
    if (!isFault) context.countDrop(reason, cursor.topic, clientId);
    return true;
  }

  /** Keeps dropped messages from now on, if a stream is declared for them. */
  watchDrops(): void {
    const { context, declared } = this.#host;
    const isWanted = declared.some(({ declaration }) => declaration.deadReasons.length > 0);
    context.onDrop = isWanted ? (...drop) => this.#keepDropped(...drop) : null;
  }

  /** Keeps a dropped message once in each stream that wants it. */
  #keepDropped(reason: DropReason, message: Message, clientId: string | null): void {
    for (const { declaration } of this.#host.declared) {
      const { dead, deadReasons, filters } = declaration;
      if (dead === null || !deadReasons.includes(reason as DeadReason)) continue;
      if (!filters.some((filter) => matchesFilter(filter, message.name))) continue;
      if (isExcluded(declaration, message.name)) continue;
      const target = this.#host.get(dead);
      if (target === undefined || this.#host.isFull(target) || !this.#ofDrops.take()) continue;
      this.#append(target, message, [
        ["dead-reason", reason],
        ["dead-client", clientId],
        ["dead-stream", declaration.name],
      ]);
    }
  }

  #isForDead(name: string): boolean {
    return this.#host.declared.some(({ declaration: { dead } }) => dead === name);
  }

  #append({ log }: DeadLetterStream, source: Source, marks: Marks): void {
    const userProperties = marks.filter(([, value]) => value !== null)
      .map(([name, value]) => [name, `${value}`] as [string, string]);
    const added = encodeProperties({ userProperties });
    const { buffer, propertiesStart, propertiesEnd, payloadStart, payloadEnd } = source;
    const own = buffer.subarray(propertiesStart, propertiesEnd);
    const payload = buffer.subarray(payloadStart, payloadEnd);
    const bytes = new Uint8Array(own.length + added.length + payload.length);
    bytes.set(own);
    bytes.set(added, own.length);
    bytes.set(payload, own.length + added.length);
    const end = own.length + added.length;
    log.append({
      ...{ topic: source.topic, buffer: bytes, qos: source.qos, retain: source.retain },
      ...{ propertiesStart: 0, propertiesEnd: end, payloadStart: end, payloadEnd: bytes.length },
      // A dead letter does not expire, because it is read later.
      ...{ expirySeconds: -1, publisher: source.publisher, isRevoked: false },
    }, false);
    this.#host.context.stats.deadLetters++;
  }
}

function partsOf(record: StreamCursor["record"]): Omit<Source, "topic"> {
  const { bytes, propertiesStart, propertiesEnd, payloadStart, payloadEnd } = record;
  const { qos, retain, publisher } = record;
  const place = { propertiesStart, propertiesEnd, payloadStart, payloadEnd };
  return { buffer: bytes, ...place, qos: Math.min(2, qos), retain, publisher };
}

/** Limits the dead letters of a second. */
class Rate {
  readonly #host: DeadLettersHost;
  #perSecond = 0;
  #bucket: TokenBucket | null = null;
  #isOver = false;

  constructor(host: DeadLettersHost) {
    this.#host = host;
  }

  take(): boolean {
    const { context } = this.#host;
    const { limits: { deadLettersPerSecondMax }, clock } = context;
    if (deadLettersPerSecondMax === 0) return true;
    if (this.#bucket === null || this.#perSecond !== deadLettersPerSecondMax) {
      this.#perSecond = deadLettersPerSecondMax;
      const burst = deadLettersPerSecondMax;
      this.#bucket = new TokenBucket(deadLettersPerSecondMax, burst, clock.now());
    }
    const isTaken = this.#bucket.take(clock.now());
    if (!isTaken && !this.#isOver) context.reportLimit("dead-letters", null, null);
    else if (!isTaken) context.stats.limited["dead-letters"]++;
    this.#isOver = !isTaken;
    return isTaken;
  }
}
