/** A C library whose sockets are clients that follow a script; no kernel takes part. */
import { EPOLL_CTL_DEL, EPOLLIN, type Libc } from "../../transport/native/libc.ts";
import * as packets from "../../tests/harness/packets.ts";

const EPOLL_FD = 3;
const WAKE_FD = 4;
const LISTENER_FD = 5;
/** The first client. */
const CLIENT_FD = 6;

const EAGAIN = -11;
const AF_INET = 2;

/** The size of an event, and where its data begins, as on x86-64. */
const EVENT = { size: 12, dataOffset: 4 } as const;

/** What a client does next. */
const Step = { connect: 0, connack: 1, subscribe: 2, suback: 3, silent: 4 } as const;

/** A queue of numbers in a ring. */
class Ring {
  readonly #values: Int32Array;
  #first = 0;
  size = 0;

  constructor(max: number) {
    this.#values = new Int32Array(max);
  }

  push(value: number): void {
    this.#values[(this.#first + this.size++) % this.#values.length] = value;
  }

  shift(): number {
    const value = this.#values[this.#first]!;
    this.#first = (this.#first + 1) % this.#values.length;
    this.size--;
    return value;
  }
}

/**
 * Has clients connect one after the other: each sends CONNECT, waits for CONNACK, subscribes to a
 * topic of its own, and is silent from then on. It has a few bytes for each client.
 */
export class ScriptedLibc implements Libc {
  readonly eventLayout = EVENT;
  /** Clients that have got their SUBACK. */
  subscribed = 0;
  /** What was sent to silent clients. */
  sends = 0;
  /** Clients whose connection the broker has closed. */
  closed = 0;
  sentBytes = 0;
  readonly #steps: Uint8Array;
  /** The second half of the event data by client: the generation. */
  readonly #generations: Int32Array;
  /** Whether the broker wants to know what a client sends. */
  readonly #watched: Uint8Array;
  /** Clients that have sent something, each once. */
  readonly #ready: Ring;
  readonly #queued: Uint8Array;
  #listenerGeneration = 0;
  #accepted = 0;
  /** As many clients may have connected by now. */
  #allowed = 0;
  #wake: PromiseWithResolvers<void> | null = null;

  /** @param clientsMax How many clients may come. */
  constructor(clientsMax: number) {
    this.#steps = new Uint8Array(clientsMax);
    this.#generations = new Int32Array(clientsMax);
    this.#watched = new Uint8Array(clientsMax);
    this.#ready = new Ring(clientsMax);
    this.#queued = new Uint8Array(clientsMax);
  }

  /** Has so many more clients connect. */
  connect(clients: number): void {
    this.#allowed += clients;
    this.#resolve();
  }

  /** The topic that a client subscribes to. */
  static topicOf(client: number): string {
    return `million/${client}`;
  }

  socket(): number {
    return LISTENER_FD;
  }

  setsockopt(): number {
    return 0;
  }

  bind(): number {
    return 0;
  }

  listen(): number {
    return 0;
  }

  accept4(_fd: number, address: Uint8Array): number {
    if (this.#accepted >= this.#allowed) return EAGAIN;
    const client = this.#accepted++;
    address.set([AF_INET, 0, client >> 8 & 0xff, client & 0xff, 10]);
    address.set([client >> 16 & 0xff, client >> 8 & 0xff, client & 0xff], 5);
    return CLIENT_FD + client;
  }

  getsockname(_fd: number, address: Uint8Array): number {
    address.set([AF_INET, 0, 0x07, 0x5b, 127, 0, 0, 1]);
    return 0;
  }

  recv(fd: number, target: Uint8Array): number {
    const client = fd - CLIENT_FD;
    const step = this.#steps[client];
    if (step !== Step.connect && step !== Step.subscribe) return EAGAIN;
    const packet = step === Step.connect
      ? packets.connect({ clientId: `client-${client}`, keepAliveSeconds: 3600 })
      : packets.subscribe({ [ScriptedLibc.topicOf(client)]: 0 });
    if (packet.length > target.length) {
      throw new Error(`Cannot read ${packet.length} bytes at once`);
    }
    target.set(packet);
    this.#steps[client] = step + 1;
    return packet.length;
  }

  send(fd: number, source: Uint8Array): number {
    const client = fd - CLIENT_FD;
    switch (this.#steps[client]) {
      case Step.connack:
        expectFirst(source, 0x20, "CONNACK");
        this.#steps[client] = Step.subscribe;
        this.#queue(client);
        break;
      case Step.suback:
        expectFirst(source, 0x90, "SUBACK");
        this.#steps[client] = Step.silent;
        this.subscribed++;
        break;
      default:
        expectFirst(source, 0x30, "PUBLISH");
        this.sends++;
        this.sentBytes += source.length;
    }
    return source.length;
  }

  shutdown(): number {
    return 0;
  }

  close(fd: number): number {
    if (fd >= CLIENT_FD) this.closed++;
    return 0;
  }

  epollCreate(): number {
    return EPOLL_FD;
  }

  epollCtl(_epoll: number, operation: number, fd: number, event: Uint8Array): number {
    if (fd === WAKE_FD || operation === EPOLL_CTL_DEL) return 0;
    const view = new DataView(event.buffer, event.byteOffset, event.byteLength);
    const generation = view.getInt32(EVENT.dataOffset + 4, true);
    if (fd === LISTENER_FD) this.#listenerGeneration = generation;
    else {
      this.#generations[fd - CLIENT_FD] = generation;
      this.#watched[fd - CLIENT_FD] = view.getUint32(0, true) & EPOLLIN;
      this.#queue(fd - CLIENT_FD);
    }
    return 0;
  }

  epollWait(_epoll: number, events: Uint8Array, eventsMax: number): number {
    const view = new DataView(events.buffer, events.byteOffset);
    let count = 0;
    const add = (fd: number, generation: number) => {
      const at = EVENT.size * count++;
      view.setUint32(at, EPOLLIN, true);
      view.setInt32(at + EVENT.dataOffset, fd, true);
      view.setInt32(at + EVENT.dataOffset + 4, generation, true);
    };
    if (this.#accepted < this.#allowed) add(LISTENER_FD, this.#listenerGeneration);
    while (count < eventsMax && this.#ready.size > 0) {
      const client = this.#ready.shift();
      this.#queued[client] = 0;
      if (this.#watched[client] !== 0) add(CLIENT_FD + client, this.#generations[client]!);
    }
    return count;
  }

  epollReady(): number {
    return this.#isReady ? 1 : 0;
  }

  epollWaitLater(): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    this.#wake = Promise.withResolvers();
    return this.#wake.promise;
  }

  eventfd(): number {
    return WAKE_FD;
  }

  eventfdWrite(): number {
    this.#resolve();
    return 0;
  }

  unload(): void {}

  get #isReady(): boolean {
    return this.#ready.size > 0 || this.#accepted < this.#allowed;
  }

  /** A client has sent something: the broker is told if it wants to know, now or later. */
  #queue(client: number): void {
    const step = this.#steps[client];
    const hasSent = step === Step.connect || step === Step.subscribe;
    if (!hasSent || this.#watched[client] === 0 || this.#queued[client] === 1) return;
    this.#queued[client] = 1;
    this.#ready.push(client);
    this.#resolve();
  }

  #resolve(): void {
    this.#wake?.resolve();
    this.#wake = null;
  }
}

function expectFirst(bytes: Uint8Array, first: number, name: string): void {
  if (bytes[0] !== first) {
    throw new Error(`A client got 0x${bytes[0]!.toString(16)}, and not ${name}`);
  }
}
