import type { Message } from "../base/message.ts";

/** Bytes of messages from which on a chunk takes no more. */
export const CHUNK_BYTES = 64 * 1024;

/**
 * Messages that are stored together, in one row, and that go together once
 * nobody needs any of them.
 */
export class MessageChunk {
  /** How many entries of logs lead to its messages. */
  live = 0;
  /** What its messages weigh, in bytes. */
  bytes = 0;
  /** Whether it was handed to the store, which may have it since. */
  isSealed = false;
  /** Whether it was removed, or never came to be stored. */
  isGone = false;
  /** The messages, until they are on the disk. */
  messages: { readonly message: Message; readonly place: Place }[] | null = [];

  /** @param id Counts up: of two messages, that of the lower chunk came first. */
  constructor(readonly id: number) {}

  /** A chunk that is on the disk. */
  static stored(id: number): MessageChunk {
    const chunk = new MessageChunk(id);
    chunk.isSealed = true;
    chunk.messages = null;
    return chunk;
  }

  /** Takes a message, and says where it is from now on. */
  add(message: Message): Place {
    const messages = this.messages!;
    const place = new Place(this, messages.length);
    messages.push({ message, place });
    this.bytes += message.weight;
    return place;
  }
}

/** Where a message is stored. */
export class Place {
  /** Whether its publisher was told that it is not stored, so that nobody must get it. */
  isRevoked = false;

  constructor(readonly chunk: MessageChunk, readonly index: number) {}

  /** Whether it came before another. */
  isBefore(other: Place): boolean {
    const { chunk, index } = this;
    return chunk.id < other.chunk.id || (chunk === other.chunk && index < other.index);
  }
}
