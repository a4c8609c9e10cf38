/** A chunk: messages that are stored in one row, and the place of a message in it. */
import type { Message } from "../base/message.ts";

/** A chunk with more bytes of messages is full. */
export const CHUNK_BYTES = 64 * 1024;

/**
 * Messages that are stored together in one row, and removed together when none is needed any more.
 * Its state is public, because it is read for each message: it is set by the table of chunks, the
 * writer of rows and the restore.
 */
export class MessageChunk {
  /** The number of log entries that refer to its messages. */
  live = 0;
  /** The weight of its messages, in bytes. */
  bytes = 0;
  /** Whether it was passed to the store, and so may be stored. */
  isSealed = false;
  /** Whether it was removed, or will not be stored. */
  isRemoved = false;
  /** The messages, until they are on the disk. */
  messages: { readonly message: Message; readonly place: Place }[] | null = [];

  /** @param id Increases: of two messages, the one in the lower chunk came first. */
  constructor(readonly id: number) {}

  /** Creates a chunk that is on the disk. */
  static stored(id: number): MessageChunk {
    const chunk = new MessageChunk(id);
    chunk.isSealed = true;
    chunk.messages = null;
    return chunk;
  }

  /** Adds a message, and returns its place. */
  add(message: Message): Place {
    const messages = this.messages!;
    const place = new Place(this, messages.length);
    messages.push({ message, place });
    this.bytes += message.weight;
    return place;
  }
}

/**
 * The place of a stored message. `isRevoked` is set by the responses, and by the page cache for a
 * message that is loaded.
 */
export class Place {
  /** Whether the publisher was told that it is not stored, so that it must not be delivered. */
  isRevoked = false;

  constructor(readonly chunk: MessageChunk, readonly index: number) {}

  /** Whether it came before another. */
  isBefore(other: Place): boolean {
    const { chunk, index } = this;
    return chunk.id < other.chunk.id || (chunk === other.chunk && index < other.index);
  }
}
