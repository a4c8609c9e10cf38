/** Sends the responses of a connection. A response that promises something waits for its commit. */
import { type Packet, packetSize, PacketType, ReasonCode, writePacket } from "../../codec/mod.ts";
import { Receipt } from "../../log/receipt.ts";
import type { Commit, CommitListener } from "../base/commit.ts";
import { countKept, type Message } from "../base/message.ts";
import type { ClientConnection, WaitingResponses } from "./client_connection.ts";

/** Sends a control packet at once, unless it is too large for the client. */
export function sendControl(connection: ClientConnection, packet: Packet): boolean {
  const { outbox, version } = connection;
  const size = packetSize(packet, version);
  if (size > connection.wire.packetBytesMax) return false;
  const offset = outbox.reserveControl(size);
  connection.counters.controlPacketsSent++;
  writePacket(packet, version, outbox.control.buffer, offset);
  return true;
}

/**
 * Sends a response that the client waits for. If it is too large for the client, the connection is
 * closed.
 */
export function reply(connection: ClientConnection, packet: Packet): void {
  if (!sendControl(connection, packet)) {
    connection.blame(new Error(`Answer is larger than the client takes: ${packet.type}`));
    connection.disconnect(ReasonCode.PacketTooLarge);
  }
}

/**
 * Sends PUBACK, PUBREC, PUBREL or PUBCOMP. Its five bytes at most are never more than the client
 * takes, or it would not have got its CONNACK.
 */
export function ack(
  connection: ClientConnection,
  type: number,
  packetId: number,
  reasonCode: number,
): void {
  const { outbox } = connection;
  const long = connection.version === 5 && reasonCode !== 0;
  const offset = outbox.reserveControl(long ? 5 : 4);
  connection.counters.controlPacketsSent++;
  const buffer = outbox.control.buffer;
  buffer[offset] = type === PacketType.pubrel ? 0x62 : type << 4;
  buffer[offset + 1] = long ? 3 : 2;
  buffer[offset + 2] = packetId >> 8;
  buffer[offset + 3] = packetId & 0xff;
  if (long) buffer[offset + 4] = reasonCode;
}

/**
 * Sends PUBACK, PUBREC or PUBCOMP once a commit is on the disk, after the responses that wait
 * already.
 *
 * @param message The message that is refused if the commit fails.
 */
export function ackAfter(
  connection: ClientConnection,
  commit: Commit | null,
  type: number,
  packetId: number,
  reasonCode: number,
  message: Message | null = null,
): void {
  const { acks } = connection;
  if (commit === null && (acks === null || acks.isEmpty)) {
    ack(connection, type, packetId, reasonCode);
  } else queueOf(connection).ack(commit, type, packetId, reasonCode, message);
}

/** Sends an answer once a commit is on the disk. */
export function replyAfter(
  connection: ClientConnection,
  commit: Commit | null,
  packet: Packet,
): void {
  if (commit === null) reply(connection, packet);
  else queueOf(connection).reply(commit, packet);
}

function queueOf(connection: ClientConnection): WaitingResponses {
  return connection.acks ??= new ResponseQueue(connection, connection.host.journal!);
}

/** The store, as responses need it. */
export interface ResponseJournal {
  /** The number of the last commit that is on the disk, with every one before it. */
  readonly done: number;
  /** The commit that will contain the current changes. */
  readonly gathering: Commit;
}

/** The memory of a waiting response without its packet, in bytes. */
const ANSWER_BYTES = 100;

/** An answer that waits for a commit. */
interface Response {
  /** The number of the commit; 0 for a response that only waits for those before it. */
  commit: number;
  /** PUBACK, PUBREC or PUBCOMP; 0 for another packet. */
  readonly type: number;
  readonly packetId: number;
  readonly reasonCode: number;
  /** The acknowledged message, if it is refused when the commit fails. */
  readonly message: Message | null;
  readonly packet: Packet | null;
  /** Its memory, in bytes. */
  readonly bytes: number;
}

/**
 * The waiting responses to one client, in the order of its requests [MQTT-4.6.0-2] [MQTT-4.6.0-3].
 * Each is sent when the commit that it needs is on the disk.
 */
export class ResponseQueue implements WaitingResponses, CommitListener {
  readonly #connection: ClientConnection;
  readonly #journal: ResponseJournal;
  #answers: Response[] = [];
  #bytes = 0;
  /** Closes when fewer wait; created for the first waiter. */
  #fewer: Receipt | null = null;

  constructor(connection: ClientConnection, journal: ResponseJournal) {
    this.#connection = connection;
    this.#journal = journal;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#answers.length === 0;
  }

  /** The memory of all responses, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Closes when a commit that some of them wait for is over. */
  get fewer(): Receipt {
    return this.#fewer ??= new Receipt();
  }

  /**
   * Adds a PUBACK, PUBREC or PUBCOMP. If `commit` is `null`, it waits only for the responses before
   * it.
   */
  ack(
    commit: Commit | null,
    type: number,
    packetId: number,
    reasonCode: number,
    message: Message | null = null,
  ): void {
    const bytes = ANSWER_BYTES;
    const number = commit?.number ?? 0;
    this.#add(commit, { commit: number, type, packetId, reasonCode, message, packet: null, bytes });
  }

  /** Adds another packet. */
  reply(commit: Commit, packet: Packet): void {
    const bytes = ANSWER_BYTES + packetSize(packet, this.#connection.version);
    const { number } = commit;
    const message = null;
    this.#add(commit, {
      commit: number,
      type: 0,
      packetId: 0,
      reasonCode: 0,
      message,
      packet,
      bytes,
    });
  }

  onCommitted(_commit: Commit): void {
    this.#sendFirst(this.#answers);
  }

  onCommitFailed({ number }: Commit): void {
    const { gathering } = this.#journal;
    const kept: Response[] = [];
    // A disconnected client gets no response. Its messages are stored when the store works again.
    for (const answer of this.#connection.isOpen ? this.#answers : []) {
      if (answer.commit === number && answer.message !== null) this.#refuse(answer, answer.message);
      else {
        if (answer.commit === number) answer.commit = gathering.number;
        kept.push(answer);
      }
    }
    // Responses without a commit may be at the front now.
    this.#sendFirst(kept);
    if (this.#answers.length > 0) gathering.tell(this);
  }

  /** Sends those that may leave, and keeps the others. */
  #sendFirst(answers: Response[]): void {
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

  #add(commit: Commit | null, answer: Response): void {
    this.#answers.push(answer);
    this.#bytes += answer.bytes;
    countKept(answer.bytes);
    commit?.tell(this);
  }

  #send({ packet, type, packetId }: Response, reasonCode: number): void {
    if (packet !== null) reply(this.#connection, packet);
    else ack(this.#connection, type, packetId, reasonCode);
  }

  /** Refuses a message that could not be stored, and revokes it, so that no subscriber gets it. */
  #refuse(answer: Response, message: Message): void {
    const connection = this.#connection;
    connection.context.stats.messagesRefused++;
    message.isRevoked = true;
    if (message.place !== null) message.place.isRevoked = true;
    if (answer.type === PacketType.pubrec) connection.session?.inbound.release(answer.packetId);
    // 3.x has no code for this: no acknowledgement, and the connection is closed.
    // A node sends the message again when it is back.
    const isUnsaid = connection.version < 5 || connection.policy.peer !== null;
    if (isUnsaid) connection.disconnect(ReasonCode.QuotaExceeded);
    else this.#send(answer, ReasonCode.QuotaExceeded);
  }
}
