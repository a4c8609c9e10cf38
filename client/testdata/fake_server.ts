import {
  type AckPacket,
  type ConnackPacket,
  encodePacket,
  type Packet,
  PacketReader,
} from "../../codec/mod.ts";
import { within } from "../../tests/harness/deadline.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { Transport } from "../../transport/transport.ts";
import { Client } from "../client.ts";
import type { ConnectOptions } from "../options.ts";
import { newPipe, type Pipe } from "./pipe.ts";

/** A packet of one type. */
export type PacketOf<T extends Packet["type"]> = T extends AckPacket["type"] ? AckPacket
  : Extract<Packet, { type: T }>;

/** The server's end of a connection: it does just what a test says. */
export class FakeConnection {
  readonly #pipe: Pipe;
  readonly #version: 4 | 5;
  readonly #reader: PacketReader;
  readonly #buffer = new Uint8Array(65_536);

  constructor(pipe: Pipe, version: 4 | 5) {
    this.#pipe = pipe;
    this.#version = version;
    this.#reader = new PacketReader({ version });
  }

  /** The next packet of the client, which must be of this type; its bytes are borrowed. */
  async receive<T extends Packet["type"]>(type: T): Promise<PacketOf<T>> {
    const packet = await within(`a ${type}`, this.#next());
    if (packet?.type !== type) throw new Error(`Expected ${type}, got ${JSON.stringify(packet)}`);
    return packet as PacketOf<T>;
  }

  /** Waits until the client says no more. */
  async end(): Promise<void> {
    const packet = await within("the end of a connection", this.#next());
    if (packet !== null) throw new Error(`Expected the end, got ${JSON.stringify(packet)}`);
  }

  send(...packets: Packet[]): void {
    for (const packet of packets) void this.#pipe.far.write(encodePacket(packet, this.#version));
  }

  /** Lets the client in. */
  async welcome(connack: Partial<ConnackPacket> = {}): Promise<PacketOf<"connect">> {
    const connect = await this.receive("connect");
    const usual = { sessionPresent: false, reasonCode: 0, properties: {} };
    this.send({ type: "connack", ...usual, ...connack });
    return connect;
  }

  /** Breaks the connection. */
  cut(): void {
    this.#pipe.cut();
  }

  close(): void {
    this.#pipe.far.close();
  }

  async #next(): Promise<Packet | null> {
    for (;;) {
      const packet = this.#reader.read();
      if (packet !== null) return packet;
      const count = await this.#pipe.far.read(this.#buffer).catch(() => null);
      if (count === null) return null;
      this.#reader.push(this.#buffer.subarray(0, count));
    }
  }
}

/** A server that a test plays, on virtual time. */
export class FakeServer {
  readonly clock: VirtualClock = new VirtualClock();
  readonly #version: 4 | 5;
  readonly #arrived: FakeConnection[] = [];
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(version: 4 | 5 = 5) {
    this.#version = version;
  }

  /** A client of this server that has not connected yet. */
  client(options: ConnectOptions = {}): Client {
    return new Client("mqtt://fake", {
      protocolVersion: this.#version,
      clientId: "me",
      keepAliveSeconds: 0,
      clock: this.clock,
      random: () => 0,
      dial: () => this.#dial(),
      ...options,
    });
  }

  /** A client that is let in, and the connection it has. */
  async connected(
    options: ConnectOptions = {},
    connack: Partial<ConnackPacket> = {},
  ): Promise<{ client: Client; connection: FakeConnection }> {
    const client = this.client(options);
    const opening = client.open();
    const connection = await this.accept();
    await connection.welcome(connack);
    await opening;
    return { client, connection };
  }

  /** The next connection. */
  async accept(): Promise<FakeConnection> {
    const arrive = async () => {
      while (this.#arrived.length === 0) await this.#wake.promise;
      return this.#arrived.shift()!;
    };
    return await within("a connection", arrive());
  }

  // deno-lint-ignore require-await
  async #dial(): Promise<Transport> {
    const pipe = newPipe();
    this.#arrived.push(new FakeConnection(pipe, this.#version));
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
    return pipe.near;
  }
}

/** Closes a client whose server answers the goodbye by closing too. */
export async function leave(client: Client, connection: FakeConnection): Promise<void> {
  const closing = client.close();
  await connection.receive("disconnect");
  connection.close();
  await closing;
}
