import type { Packet, SubscribePacket, UnsubscribePacket } from "../../codec/mod.ts";
import type { Random } from "../harness/random.ts";
import type { Gap, Reading, Wanted } from "./reading.ts";
import type { Ends } from "./stream_book.ts";
import type { ReaderPlan, StreamPlan } from "./stream_plan.ts";
import type { World } from "./world.ts";

/** So many subscriptions that read are there at once at most. */
const READINGS_MAX = 3;

/** What answers SUBSCRIBE or UNSUBSCRIBE. */
export type Answer = Extract<Packet, { type: "suback" | "unsuback" }>;

interface Request {
  readonly type: Answer["type"];
  /** What the code may be. */
  readonly codes: readonly number[];
  settle(packet: Answer): void;
}

/** What a reader subscribes to: each time another position, or one that makes no sense. */
export class Readings {
  /** Every one there ever was. */
  readonly all: Reading[] = [];
  readonly #world: World;
  readonly #stream: StreamPlan;
  readonly #plan: ReaderPlan;
  readonly #random: Random;
  readonly #requests = new Map<number, Request>();
  /** What was put in front of topics: in 3.1.1 nothing else tells the readings apart. */
  readonly #prefixes = new Set<string>();
  #packetIds = 0;
  #identifiers = 0;

  constructor(world: World, stream: StreamPlan, plan: ReaderPlan, random: Random) {
    this.#world = world;
    this.#stream = stream;
    this.#plan = plan;
    this.#random = random;
  }

  /** Those that are not over. */
  get open(): readonly Reading[] {
    return this.all.filter(({ isOver }) => !isOver);
  }

  /** Asks for one thing or another; `null` if it leaves that be. */
  ask(): SubscribePacket | UnsubscribePacket | null {
    const random = this.#random;
    const { open } = this;
    // What may or may not be there is ended first.
    const unsure = open.find((one) => one.isEnding || one.after === null);
    if (this.#requests.size > 0) return null;
    if (unsure !== undefined) return this.#unsubscribe(unsure);
    if (random.chance(0.1)) return this.#askWrongly();
    if (open.length > 0 && random.chance(0.2)) return this.#unsubscribe(random.pick(open));
    const [old] = open;
    if (old !== undefined && this.#plan.version === 5 && random.chance(0.4)) {
      return this.#subscribe(old.key, old.filter, old.prefix, old.position, old.meaning);
    }
    return open.length >= READINGS_MAX ? null : this.#begin();
  }

  /** Handles SUBACK or UNSUBACK. */
  answered(packet: Answer): void {
    const request = this.#requests.get(packet.packetId);
    this.#requests.delete(packet.packetId);
    const [code] = packet.reasonCodes;
    if (request === undefined || request.type !== packet.type) {
      return this.#fault(`got ${packet.type} for nothing`);
    }
    if (code !== undefined && !request.codes.includes(code)) {
      this.#fault(`got ${packet.type} with code ${code}, of ${request.codes}`);
    }
    request.settle(packet);
  }

  /** The connection is gone, and with it the answers. */
  detach(): void {
    this.#requests.clear();
    if (this.#plan.isDurable) return;
    for (const reading of this.all) reading.isOver = true;
  }

  /** The reading that a PUBLISH is for. */
  of({ topic, properties }: Extract<Packet, { type: "publish" }>): Reading | undefined {
    if (this.#plan.version === 4) {
      return this.all.findLast(({ prefix }) => topic.startsWith(prefix));
    }
    const [identifier, ...others] = properties.subscriptionIdentifiers ?? [];
    if (identifier === undefined || others.length > 0) return undefined;
    return this.all.find(({ identifiers }) => identifiers.has(identifier));
  }

  #begin(): SubscribePacket | null {
    const random = this.#random;
    const { covered, uncovered, name } = this.#stream;
    const ends = this.#world.ends;
    const isAtDoor = this.#plan.version === 4 || random.chance(0.5);
    const filter = random.pick(isAtDoor ? [...covered, ...uncovered] : covered);
    const [position, wanted] = this.#position(ends);
    if (!isAtDoor) return this.#subscribe(filter, filter, "", position, wanted);
    const prefix = `$replay/${name}/${position}/`;
    if (this.#plan.version === 4 && this.#prefixes.has(prefix)) return null;
    this.#prefixes.add(prefix);
    return this.#subscribe(prefix + filter, filter, prefix, position, wanted);
  }

  #position(ends: Ends): [string, Wanted] {
    const random = this.#random;
    const resumes = random.chance(0.3) ? "resume," : "";
    const count = random.integer(1, 10);
    const began = this.#world.beganMs;
    const timeMs = random.integer(began, ends.nowMs);
    const seq = random.integer(1, ends.stored + 1);
    const zeros = "0".repeat(random.integer(0, 9));
    const [text, wanted] = random.pick<() => [string, Wanted]>([
      () => ["earliest", { kind: "earliest" }],
      () => ["latest", { kind: "latest" }],
      () => [`after=${zeros}${seq - 1}`, { kind: "from", seq }],
      () => [`after=${zeros}0`, { kind: "from", seq: 1 }],
      () => [`from=${seq}`, { kind: "from", seq }],
      () => ["since=1s", { kind: "ago", ms: 1000 }],
      () => [`since=${new Date(timeMs).toISOString()}`, { kind: "since", timeMs }],
      () => [`since=${(timeMs / 1000).toFixed(3)}`, { kind: "since", timeMs }],
      () => [`last=${count}`, { kind: "last", count }],
      () => ["last-per-topic", { kind: "last-per-topic", count: 1 }],
      () => [`last-per-topic=${count % 3 + 1}`, { kind: "last-per-topic", count: count % 3 + 1 }],
    ])();
    if (resumes !== "" && random.chance(0.2)) return ["resume", { kind: "latest" }];
    return [resumes + text, wanted];
  }

  /** Asks for what is never there: nothing of it is granted. */
  #askWrongly(): SubscribePacket {
    const random = this.#random;
    const { name, covered, uncovered } = this.#stream;
    const { last } = this.#world.ends;
    const position = random.pick([
      ...["yesterday", "after=-1", "last=0", "since=2999-01-01T00:00:00Z"],
      `from=${last + 100_000}`,
    ]);
    const isWrongName = random.chance(0.3);
    const filter = random.pick(covered);
    if (this.#plan.version === 4 || random.chance(0.5)) {
      const door = `$replay/${isWrongName ? "lgo" : name}/${isWrongName ? "earliest" : position}`;
      const codes = [this.#plan.version === 4 ? 0x80 : 0x8f];
      return this.#request(`${door}/${filter}`, 0, 0, {}, codes, () => {});
    }
    const isUncovered = !isWrongName && uncovered.length > 0 && random.chance(0.5);
    return this.#request(
      isUncovered ? random.pick(uncovered) : filter,
      0,
      0,
      {
        userProperties: [
          ["stream-offset", isWrongName || isUncovered ? "earliest" : position],
          ...(isWrongName ? [["stream-name", "lgo"] as [string, string]] : []),
        ],
      },
      [0x83],
      () => {},
    );
  }

  #subscribe(
    key: string,
    filter: string,
    prefix: string,
    position: string,
    meaning: Wanted,
  ): SubscribePacket {
    const random = this.#random;
    const { version, isDurable, clientId: reader } = this.#plan;
    const retainHandling = version === 4 ? 0 : random.pick([0, 0, 1, 2] as const);
    const qos = random.pick([0, 1, 1, 2] as const);
    const identifier = version === 4 ? 0 : ++this.#identifiers;
    const old = this.open.find((one) => one.key === key);
    const goesOn = old !== undefined && (retainHandling > 0 || position.startsWith("resume"));
    const reading: Reading = goesOn ? old : {
      ...{ reader, version, isDurable, key, filter, prefix, position },
      meaning,
      wanted: retainHandling === 2 ? { kind: "latest" } : meaning,
      before: this.#world.ends,
      after: null,
      qos: new Set(),
      mayLose: false,
      identifiers: new Set(),
      gap: null,
      messages: [],
      isOver: false,
      isEnding: false,
    };
    reading.qos.add(qos);
    reading.mayLose ||= qos === 0;
    reading.identifiers.add(identifier);
    if (!goesOn) {
      if (old !== undefined) old.isEnding = true;
      this.all.push(reading);
    }
    const isByProperty = prefix === "";
    const userProperties: [string, string][] = isByProperty ? [["stream-offset", position]] : [];
    const properties = version === 4
      ? {}
      : { userProperties, subscriptionIdentifiers: [identifier] };
    return this.#request(key, qos, retainHandling, properties, [qos], (packet) => {
      if (!goesOn && old !== undefined) old.isOver = true;
      if (goesOn) return;
      reading.after = this.#world.ends;
      if (version === 5) this.#check(reading, packet);
    });
  }

  /** Takes note of what SUBACK tells of the stream. */
  #check(reading: Reading, { properties }: Answer): void {
    const told = new Map(properties.userProperties);
    const number = (name: string) => Number(told.get(name) ?? NaN);
    const { before, after } = reading;
    const isWithin = (value: number, from: number, to: number) => from <= value && value <= to;
    if (!isWithin(number("stream-first"), before.first, after!.first)) {
      this.#fault(`was told stream-first ${told.get("stream-first")}`);
    }
    if (!isWithin(number("stream-last"), before.stored, after!.last)) {
      this.#fault(`was told stream-last ${told.get("stream-last")}`);
    }
    if (!(number("stream-start") >= number("stream-first"))) {
      this.#fault(`was told stream-start ${told.get("stream-start")}`);
    }
    reading.gap = gapOf(told.get("stream-gap"));
  }

  #unsubscribe({ key }: Reading): UnsubscribePacket {
    const packetId = ++this.#packetIds;
    const ended = this.open.filter((one) => one.key === key);
    // Where an earlier one was not answered, nobody knows what there is to be ended.
    const isSure = ended.every(({ after, isEnding }) => after !== null && !isEnding);
    for (const one of ended) one.isEnding = true;
    const settle = () => {
      for (const one of ended) one.isOver = true;
    };
    this.#requests.set(packetId, { type: "unsuback", codes: isSure ? [0] : [0, 0x11], settle });
    return { type: "unsubscribe", packetId, filters: [key], properties: {} };
  }

  #request(
    filter: string,
    qos: 0 | 1 | 2,
    retainHandling: 0 | 1 | 2,
    properties: SubscribePacket["properties"],
    codes: readonly number[],
    settle: (packet: Answer) => void,
  ): SubscribePacket {
    const packetId = ++this.#packetIds;
    this.#requests.set(packetId, { type: "suback", codes, settle });
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling };
    return { type: "subscribe", packetId, properties, subscriptions: [{ filter, ...options }] };
  }

  #fault(text: string): void {
    this.#world.ledger.fault(`${this.#plan.clientId} ${text}`);
  }
}

/** The gap that a mark tells of. */
export function gapOf(text: string | undefined): Gap | null {
  const match = /^(\d+)\.\.(\d+)$/.exec(text ?? "");
  return match === null ? null : { from: Number(match[1]), to: Number(match[2]) };
}
