/** The messages in flight of a durable session, and what has to be stored before they are sent. */
import { ReasonCode } from "../../codec/mod.ts";
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { Commit, CommitListener } from "../base/commit.ts";
import type { ClientLink } from "../session/client_link.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import type { StreamInflight } from "../stream/stream_inflight.ts";
import { type StoredInflight, storedOf } from "./stored_inflight.ts";

/** The journal, as messages in flight need it. */
export interface InflightJournal {
  /** The commit that will contain the current changes. */
  readonly gathering: Commit;
  /** The number of the last commit that is on the disk. */
  readonly done: number;
}

/** The session, as its messages in flight need it. */
export interface DurableInflightOwner {
  /** The connection of the client; `null` while it is disconnected. */
  readonly link: ClientLink | null;
  /** Sends a message in flight; `null` if nothing was ever in flight. */
  readonly inflightMessages: {
    transmit(link: ClientLink, exchange: PublishExchange<InflightMessage>): void;
  } | null;
}

/**
 * Sends messages in flight in order, each as soon as it is in memory, and the disk has what must
 * survive a crash. A QoS 2 message waits for the commit with its packet identifier: after a crash
 * it must be sent again with the same one, or the client would take it for another message.
 */
export class DurableInflight implements CommitListener {
  readonly #journal: InflightJournal;
  readonly #session: DurableInflightOwner;
  /** The waiting messages, in order; most sessions have none. */
  #held: PublishExchange<InflightMessage>[] | null = null;
  #isLoading = false;
  #isSending = false;

  constructor(journal: InflightJournal, session: DurableInflightOwner) {
    this.#journal = journal;
    this.#session = session;
  }

  /** Whether messages wait to be sent. */
  get isHolding(): boolean {
    return this.#held !== null;
  }

  /** Sends a message in flight, or its PUBREL, as soon as possible, behind those that wait. */
  send(exchange: PublishExchange<InflightMessage>): void {
    // Most can be sent at once, and need no list.
    if (this.#held === null && this.#sendAlone(exchange)) return;
    (this.#held ??= []).push(exchange);
    this.#sendHeld();
  }

  /** Sends a message if nothing waits before it. Returns false if it has to wait. */
  #sendAlone(exchange: PublishExchange<InflightMessage>): boolean {
    const { link, inflightMessages } = this.#session;
    if (link === null || this.#isSending || !this.#isReady(exchange)) return false;
    this.#isSending = true;
    try {
      inflightMessages!.transmit(link, exchange);
      storedOf(exchange).letGo();
    } finally {
      this.#isSending = false;
    }
    // It may have become a PUBREL, which waits now.
    this.#sendHeld();
    return true;
  }

  /** Sends a PUBREL again, unless the first one still waits for its commit. */
  repeatPubrel(exchange: PublishExchange<InflightMessage>): void {
    if (storedOf(exchange).commit > this.#journal.done) return;
    this.#session.link?.sendPubrel(exchange.packetId, ReasonCode.Success);
  }

  /** The state of this message must be on the disk before it, or its PUBREL, is sent. */
  holdForCommit(sent: StoredInflight | StreamInflight): void {
    const { gathering } = this.#journal;
    sent.letGo();
    sent.commit = gathering.number;
    gathering.tell(this);
  }

  /** The connection has ended: drops the waiting messages. */
  clear(): void {
    this.#held = null;
  }

  onCommitted(_commit: Commit): void {
    this.#sendHeld();
  }

  onCommitFailed(_commit: Commit): void {
    // Waiting messages continue to wait: their identifiers are part of the next commit.
    if (this.#held !== null) this.#journal.gathering.tell(this);
  }

  #sendHeld(): void {
    const held = this.#held;
    const { link, inflightMessages } = this.#session;
    // A message that is sent now may become a PUBREL, which is added at the end.
    if (held === null || link === null || this.#isSending) return;
    this.#isSending = true;
    let count = 0;
    try {
      for (const exchange of held) {
        if (!this.#isReady(exchange)) break;
        count++;
        inflightMessages!.transmit(link, exchange);
        storedOf(exchange).letGo();
      }
    } finally {
      this.#isSending = false;
    }
    if (this.#held !== held) return;
    if (count === held.length) this.#held = null;
    else if (count > 0) this.#held = held.slice(count);
  }

  /**
   * Whether a message in flight may be sent now, with the message in memory. If not, it is checked
   * again after the commit, or when it was loaded.
   */
  #isReady(exchange: PublishExchange<InflightMessage>): boolean {
    const sent = storedOf(exchange);
    if (sent.commit > this.#journal.done) return false;
    const { hold } = sent;
    if (exchange.phase === "pubcomp" || hold === null) return true;
    const { entry } = hold;
    if (entry?.place.isRevoked && !sent.wasSent) {
      // Its publisher was told that it is not stored, before it was sent.
      sent.message = null;
      return true;
    }
    if (sent.message !== null) return true;
    if (entry !== null || hold.isRemoved) {
      sent.message = entry?.message ?? null;
      return true;
    }
    if (!this.#isLoading) {
      this.#isLoading = true;
      hold.load(() => {
        this.#isLoading = false;
        this.#sendHeld();
      });
    }
    return false;
  }
}
