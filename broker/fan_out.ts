import { ByteLog } from "../log/byte_log.ts";
import type { Log } from "../log/log.ts";
import type { Audience, Member, MemberObserver } from "../router/audience.ts";
import type { Route } from "../router/route_cache.ts";
import type { Variant } from "../router/variant.ts";
import { WIRE_CLASS_OWN } from "../router/subscription.ts";
import { type MessageFollows, messageLog } from "./backlog.ts";
import type { DurableLog } from "./durable/durable_log.ts";
import type { Message } from "./message.ts";
import { type Receiver, type Wire, wireOf } from "./receiver.ts";
import type { Run } from "./run.ts";
import { sendToLog } from "./sender.ts";
import { Sieve } from "./sieve.ts";

/** How many bytes are appended between two looks at how far the members lag. */
const LOOK_BYTES = 64 * 1024;
/** At most so many messages are appended between two looks at their backlogs. */
const LOOK_MESSAGES_MAX = 256;
/** How many members must have gone, beside as many as there are, for idle lists to be tidied. */
const GONE_MIN = 64;

/**
 * Members that are sent the same: one log of bytes for QoS 0, one of messages
 * for what is acknowledged. Members that follow cost nothing per message; those
 * on the idle lists take up following at the next one.
 */
class Group {
  readonly #wire: Wire;
  readonly #variant: Variant;
  readonly #seats = new Map<Member<Receiver>, Seat>();
  readonly bytes = new ByteLog();
  readonly #newLog: () => Log<Message> | DurableLog;
  #messages: Log<Message> | DurableLog | null = null;
  #idleBytes: Seat[] = [];
  #idleMessages: Seat[] = [];
  /** How many have gone since the idle lists were tidied. */
  #gone = 0;
  /** How many follow the log of bytes. */
  bytesFollowed = 0;
  #lookAtBytes = LOOK_BYTES;
  #lookAtMessages = 0;
  #lookAtWeight = 0;
  /** Where the log may come to before one of those that follow it could be full. */
  #fullAtMessages = 0;
  #fullAtWeight = 0;

  constructor(wire: Wire, variant: Variant, newLog: () => Log<Message> | DurableLog) {
    this.#wire = wire;
    this.#variant = variant;
    this.#newLog = newLog;
  }

  get size(): number {
    return this.#seats.size;
  }

  add(member: Member<Receiver>): void {
    const seat = new Seat(this, member);
    this.#seats.set(member, seat);
    this.#idleBytes.push(seat);
    if (member.qos > 0) this.#idleMessages.push(seat);
  }

  remove(member: Member<Receiver>): void {
    const seat = this.#seats.get(member);
    if (seat === undefined) return;
    seat.isGone = true;
    member.subscriber.leaveBytes(seat.ofBytes);
    member.subscriber.leaveMessages(seat.ofMessages);
    this.#seats.delete(member);
    if (++this.#gone > this.#seats.size + GONE_MIN) this.#tidy();
  }

  /** A list that nothing is published for would gather whoever came and went. */
  #tidy(): void {
    this.#gone = 0;
    this.#idleBytes = this.#idleBytes.filter(({ isGone }) => !isGone);
    this.#idleMessages = this.#idleMessages.filter(({ isGone }) => !isGone);
  }

  run(run: Run): void {
    this.#followBytes();
    if (this.bytesFollowed > 0) {
      const { v5, packetBytesMax } = this.#wire;
      const same = v5 === run.v5 && this.#variant.identifiers === null &&
        run.frameBytesMax <= packetBytesMax;
      if (same) this.bytes.append(run.buffer, run.start, run.end, run.frames);
      else for (const message of run.messages()) this.#encode(message);
    }
    this.#look();
  }

  message(message: Message): void {
    if (Math.min(message.qos, this.#variant.qos) > 0) return this.#append(message);
    this.#followBytes();
    if (this.bytesFollowed > 0) this.#encode(message);
    this.#look();
  }

  isFull(bytes: number): boolean {
    if (this.#variant.qos === 0) return false;
    const log = this.#messages;
    const isRoom = log !== null && log.end < this.#fullAtMessages &&
      log.weight + bytes <= this.#fullAtWeight;
    // Those that follow have as much room as when they were looked at, or more.
    for (const { isGone, member } of isRoom ? this.#idleMessages : this.#seats.values()) {
      if (!isGone && member.subscriber.isFull(bytes)) return true;
    }
    return false;
  }

  leftBytes(seat: Seat): void {
    this.bytesFollowed--;
    if (!seat.isGone) this.#idleBytes.push(seat);
  }

  /** One that may be full, or have to slow publishers down, is there from now on. */
  lookSoon(): void {
    const log = this.#messages;
    if (log === null) return;
    const messages = log.end + LOOK_MESSAGES_MAX;
    const weight = log.weight + LOOK_BYTES;
    this.#lookAtMessages = Math.min(this.#lookAtMessages, messages);
    this.#lookAtWeight = Math.min(this.#lookAtWeight, weight);
    this.#fullAtMessages = Math.min(this.#fullAtMessages, messages);
    this.#fullAtWeight = Math.min(this.#fullAtWeight, weight);
  }

  leftMessages(seat: Seat): void {
    if (!seat.isGone) this.#idleMessages.push(seat);
  }

  #encode(message: Message): void {
    const { v5, packetBytesMax } = this.#wire;
    sendToLog(this.bytes, message, this.#variant, v5 ? 5 : 4, packetBytesMax);
  }

  #followBytes(): void {
    if (this.#idleBytes.length === 0) return;
    const idle = this.#idleBytes;
    this.#idleBytes = [];
    for (const seat of idle) {
      // One that is not connected takes a new seat when it is again.
      if (seat.isGone || !seat.member.subscriber.followBytes(this.bytes, seat.ofBytes)) continue;
      this.bytesFollowed++;
    }
  }

  #append(message: Message): void {
    const log = this.#messages ??= this.#newLog();
    const idle = this.#idleMessages;
    this.#idleMessages = [];
    for (const seat of idle) {
      if (seat.isGone) continue;
      if (!seat.member.subscriber.followMessages(log, seat.ofMessages)) {
        seat.member.subscriber.receive(message, seat.member);
        this.#idleMessages.push(seat);
      }
    }
    if (idle.length > this.#idleMessages.length) this.lookSoon();
    log.append(message.keep());
    if (log.end >= this.#lookAtMessages || log.weight >= this.#lookAtWeight) {
      this.#lookAtBacklogs(log);
    }
  }

  #look(): void {
    if (this.bytes.end < this.#lookAtBytes) return;
    this.#lookAtBytes = this.bytes.end + LOOK_BYTES;
    for (const { subscriber } of this.#seats.keys()) subscriber.lookAtBytes();
  }

  /** Looks again when the first of them could be full. */
  #lookAtBacklogs(log: Log<Message> | DurableLog): void {
    let messages = Infinity;
    let bytes = Infinity;
    let isAnyoneThere = false;
    for (const { subscriber } of [...this.#seats.keys()]) {
      const room = subscriber.lookAtMessages();
      if (!room.isAway) isAnyoneThere = true;
      messages = Math.min(messages, room.messages);
      bytes = Math.min(bytes, room.bytes);
    }
    if (isAnyoneThere) {
      messages = Math.min(messages, LOOK_MESSAGES_MAX);
      bytes = Math.min(bytes, LOOK_BYTES);
    }
    this.#fullAtMessages = log.end + messages;
    this.#fullAtWeight = log.weight + bytes;
    this.#lookAtMessages = log.end + Math.max(1, messages);
    this.#lookAtWeight = log.weight + Math.max(1, bytes);
  }
}

/** The place of a member in a group. */
class Seat {
  isGone = false;
  readonly ofBytes: { left(): void };
  readonly ofMessages: MessageFollows;

  constructor(group: Group, readonly member: Member<Receiver>) {
    this.ofBytes = { left: () => group.leftBytes(this) };
    this.ofMessages = {
      variant: member,
      left: () => group.leftMessages(this),
      returned: () => group.lookSoon(),
    };
  }
}

/**
 * How a message reaches a wide audience: once for each way in which it is
 * wanted, however many want it that way.
 */
export class FanOut implements MemberObserver<Receiver> {
  readonly #groups = new Map<string, Group>();
  readonly #keys = new Map<Member<Receiver>, string>();
  /** Members that must be looked at one by one. */
  readonly #alone = new Set<Member<Receiver>>();
  /** Finds members of the groups that may not receive a topic; `null` while all may receive all. */
  #sieve: Sieve | null = null;
  readonly #newLog: () => DurableLog;

  /** @param newLog Makes logs of messages for those who survive a restart. */
  constructor(audience: Audience<Receiver>, newLog: () => DurableLog) {
    this.#newLog = newLog;
    for (const member of audience.members) this.added(member);
  }

  added(member: Member<Receiver>): void {
    const { wireClass, isDurable } = member.subscriber;
    if (wireClass === WIRE_CLASS_OWN || member.own !== undefined) {
      this.#alone.add(member);
      return;
    }
    const { qos, retainAsPublished, identifiers } = member;
    const key = `${wireClass} ${isDurable} ${qos} ${retainAsPublished} ${identifiers}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Group(wireOf(wireClass), member, isDurable ? this.#newLog : messageLog);
      this.#groups.set(key, group);
    }
    group.add(member);
    this.#keys.set(member, key);
    if (member.subscriber.isGated) (this.#sieve ??= new Sieve()).add(member);
  }

  removed(member: Member<Receiver>): void {
    this.#sieve?.delete(member);
    if (this.#alone.delete(member)) return;
    this.#leaveGroup(member);
  }

  #leaveGroup(member: Member<Receiver>): void {
    const key = this.#keys.get(member)!;
    this.#keys.delete(member);
    const group = this.#groups.get(key)!;
    group.remove(member);
    if (group.size === 0) this.#groups.delete(key);
  }

  /** Whoever may not receive a topic no longer gets what is sent to all: it is asked each time. */
  #setApart(route: Route<Receiver>): void {
    for (const member of this.#sieve!.denied(route)) {
      this.#leaveGroup(member);
      this.#alone.add(member);
    }
  }

  /** Hands a run of QoS 0 frames to everyone. */
  run(run: Run): void {
    if (this.#sieve !== null) this.#setApart(run.route);
    for (const group of this.#groups.values()) group.run(run);
    for (const member of this.#alone) {
      const variant = variantFor(member, run.publisher);
      if (variant !== null) member.subscriber.receiveRun(run, variant);
    }
  }

  /** Hands a message to everyone. */
  message(route: Route<Receiver>, message: Message): void {
    if (this.#sieve !== null) this.#setApart(route);
    for (const group of this.#groups.values()) group.message(message);
    for (const member of this.#alone) {
      const variant = variantFor(member, message.publisher);
      if (variant !== null) member.subscriber.receive(message, variant);
    }
  }

  /** Whether a member's backlog has no room for an acknowledged message. */
  isFull({ name, weight }: Message): boolean {
    for (const group of this.#groups.values()) if (group.isFull(weight)) return true;
    for (const { qos, subscriber } of this.#alone) {
      if (qos > 0 && subscriber.isFull(weight) && subscriber.mayReceive(name)) return true;
    }
    return false;
  }
}

/** How a member receives what `publisher` publishes; `null` for not at all [MQTT-3.8.3-3]. */
export function variantFor(member: Member<Receiver>, publisher: string | null): Variant | null {
  const { own, subscriber } = member;
  return own === undefined || subscriber.clientId !== publisher ? member : own;
}
