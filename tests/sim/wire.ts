import { concat } from "@std/bytes";
import { encodePacket, type Packet, PacketReader, type ProtocolVersion } from "../../codec/mod.ts";
import { type BytePipe, writeAll } from "../harness/byte_pipe.ts";

/** What a {@linkcode Wire} tells. */
export interface WireEvents {
  /** A packet has come. */
  packet(packet: Packet): void;
  /** The bytes that came are no packet. */
  faulty(error: unknown): void;
  /** Nothing comes any more; in good order if the other end has closed. */
  ended(isOrderly: boolean): void;
}

/** Bytes of a read; small, so that packets are also cut at the client. */
const READ_BYTES = 512;

/** Packets over one pipe, which may break at any time. */
export class Wire {
  /** Whether packets may be sent. */
  isOpen = true;
  readonly #pipe: BytePipe;
  readonly #version: ProtocolVersion;
  readonly #events: WireEvents;
  readonly #unsent: Uint8Array[] = [];
  #isWriting = false;
  #isClosed = false;
  /** Reads wait for it. */
  #stall: Promise<void> | null = null;

  /** Starts to read. */
  constructor(pipe: BytePipe, version: ProtocolVersion, events: WireEvents) {
    this.#pipe = pipe;
    this.#version = version;
    this.#events = events;
    this.#read();
  }

  /** Sends a packet, if that is possible. */
  send(packet: Packet): void {
    if (!this.isOpen) return;
    this.#unsent.push(encodePacket(packet, this.#version));
    if (!this.#isWriting) this.#write();
  }

  /** Reads nothing more until the promise resolves, but for a read that is under way. */
  stall(until: Promise<void>): void {
    this.#stall = until;
  }

  /** Sends no more, and closes when everything has left. */
  finish(): void {
    this.isOpen = false;
    if (!this.#isWriting) this.close();
  }

  /** Closes at once. */
  close(): void {
    this.isOpen = false;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pipe.close();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    // A burst is one write.
    await Promise.resolve();
    try {
      // What gathers while a write is under way leaves together.
      while (this.#unsent.length > 0) {
        await writeAll(this.#pipe, concat(this.#unsent.splice(0)));
      }
      if (!this.isOpen) this.close();
    } catch {
      // The connection is gone: the pending read finds out.
      this.isOpen = false;
    }
    this.#isWriting = false;
  }

  async #read(): Promise<void> {
    let isOrderly = false;
    try {
      await this.#readPackets();
      isOrderly = true;
    } catch {
      // Cut, or closed by this end.
    }
    this.close();
    this.#events.ended(isOrderly);
  }

  async #readPackets(): Promise<void> {
    const reader = new PacketReader({ version: this.#version });
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      if (this.#stall !== null) await this.#stall;
      this.#stall = null;
      const count = await this.#pipe.read(buffer);
      if (count === null) return;
      reader.push(buffer.subarray(0, count));
      if (!this.#takePackets(reader)) return;
    }
  }

  #takePackets(reader: PacketReader): boolean {
    try {
      for (let packet; (packet = reader.read()) !== null;) this.#events.packet(packet);
      return true;
    } catch (error) {
      this.#events.faulty(error);
      return false;
    }
  }
}
