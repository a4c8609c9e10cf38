import { type Packet, packetSize, PacketType, ReasonCode } from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import { ack, reply } from "./responses.ts";
import type { Connection } from "./connection.ts";
import type { Message } from "../base/message.ts";
import type { Commit, CommitListener } from "../base/commit.ts";
import type { Journal } from "../durable/journal.ts";

/** What an answer costs beside the packet, if it has one of its own, in bytes; an estimate. */
const ANSWER_BYTES = 32;

/** An answer that waits for a commit. */
interface Answer {
  /** The number of the commit; 0 for one that only waits for those in front of it. */
  commit: number;
  /** PUBACK, PUBREC or PUBCOMP; 0 for another packet. */
  readonly type: number;
  readonly packetId: number;
  readonly reasonCode: number;
  /** What is acknowledged, if it is to be refused should the commit fail. */
  readonly message: Message | null;
  readonly packet: Packet | null;
  /** What it costs in memory, in bytes. */
  readonly bytes: number;
}

/**
 * The answers to one client that promise something, in the order in which it
 * asked [MQTT-4.6.0-2] [MQTT-4.6.0-3]: each leaves when the disk holds what it
 * promises.
 */
export class AckQueue implements CommitListener {
  readonly #connection: Connection;
  readonly #journal: Journal;
  #answers: Answer[] = [];
  #bytes = 0;
  /** Closes when fewer wait; made when somebody needs to know. */
  #fewer: Receipt | null = null;

  constructor(connection: Connection, journal: Journal) {
    this.#connection = connection;
    this.#journal = journal;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#answers.length === 0;
  }

  /** What all of them cost in memory, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Closes when a commit is over that some of them wait for. */
  get fewer(): Receipt {
    return this.#fewer ??= new Receipt();
  }

  /** Adds a PUBACK, PUBREC or PUBCOMP; with `commit` `null` it only keeps the order. */
  ack(
    commit: Commit | null,
    type: number,
    packetId: number,
    reasonCode: number,
    message: Message | null = null,
  ): void {
    this.#add(commit, { type, packetId, reasonCode, message, packet: null, bytes: ANSWER_BYTES });
  }

  /** Adds another packet. */
  reply(commit: Commit, packet: Packet): void {
    const bytes = ANSWER_BYTES + packetSize(packet, this.#connection.version);
    this.#add(commit, { type: 0, packetId: 0, reasonCode: 0, message: null, packet, bytes });
  }

  committed(_commit: Commit): void {
    this.#sendFirst(this.#answers);
  }

  commitFailed({ number }: Commit): void {
    const { gathering } = this.#journal;
    const kept: Answer[] = [];
    // A client that is gone was told nothing: what it published is stored when it can be.
    for (const answer of this.#connection.isOpen ? this.#answers : []) {
      if (answer.commit === number && answer.message !== null) this.#refuse(answer, answer.message);
      else {
        if (answer.commit === number) answer.commit = gathering.number;
        kept.push(answer);
      }
    }
    // Those that only waited for others have nobody in front of them any more, perhaps.
    this.#sendFirst(kept);
    if (this.#answers.length > 0) gathering.tell(this);
  }

  /** Sends as many as may leave, and keeps the others. */
  #sendFirst(answers: Answer[]): void {
    const { done } = this.#journal;
    let sent = 0;
    for (const answer of answers) {
      if (answer.commit > done || !this.#connection.isOpen) break;
      sent++;
      this.#send(answer, answer.reasonCode);
    }
    this.#answers = this.#connection.isOpen ? answers.slice(sent) : [];
    this.#bytes = this.#answers.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#fewer?.close();
    this.#fewer = null;
  }

  #add(commit: Commit | null, answer: Omit<Answer, "commit">): void {
    this.#answers.push({ ...answer, commit: commit?.number ?? 0 });
    this.#bytes += answer.bytes;
    commit?.tell(this);
  }

  #send({ packet, type, packetId }: Answer, reasonCode: number): void {
    if (packet !== null) reply(this.#connection, packet);
    else ack(this.#connection, type, packetId, reasonCode);
  }

  /** The message could not be stored: nobody is to get it for whom it should have been. */
  #refuse(answer: Answer, message: Message): void {
    const connection = this.#connection;
    connection.context.stats.messagesRefused++;
    if (message.place !== null) message.place.isRevoked = true;
    if (answer.type === PacketType.pubrec) connection.session?.inbound.release(answer.packetId);
    // In 3.x there is no way to say it: no acknowledgement, and a close.
    if (connection.version < 5) connection.close(ReasonCode.QuotaExceeded);
    else this.#send(answer, ReasonCode.QuotaExceeded);
  }
}
