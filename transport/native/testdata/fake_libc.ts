import { Errno } from "../errno.ts";
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  type EventLayout,
  type Libc,
  SHUT_WR,
} from "../libc.ts";

/** A call that a test can have fail. */
export type FallibleCall = Exclude<
  keyof Libc,
  "eventLayout" | "epollWaitLater" | "epollReady" | "unload"
>;

/** How a fake kernel behaves; everything not given is kind to the test. */
export interface FakeKernelOptions {
  /** The layout of an event; packed by default. */
  eventLayout?: EventLayout;
  /** How many bytes of a socket wait to be sent at most; many by default. */
  sendBytesMax?: number;
  /** How many of `bytes` a call takes or gives; all of them by default. */
  part?: (bytes: number) => number;
  /** An error that a call has now, beside those of {@linkcode FakeLibc.fail}; `null` for none. */
  fault?: (call: FallibleCall) => keyof typeof Errno | null;
}

/** What is found in a target behind what was received: nobody may rely on what was there before. */
const POISON = 0xa5;

/**
 * A kernel in memory with sockets and epoll, in which any call can be made to fail. Descriptors are
 * given out as the real one does it: the lowest that is free.
 */
export class FakeLibc implements Libc {
  readonly eventLayout: EventLayout;
  /** What was called on a descriptor that is not open. */
  readonly misuses: string[] = [];
  /** How often each call was made. */
  readonly counts: Map<string, number> = new Map();
  /** Options that were set: `level name value`. */
  readonly options: string[] = [];
  isUnloaded = false;
  readonly #sendBytesMax: number;
  readonly #part: (bytes: number) => number;
  readonly #faultOf: NonNullable<FakeKernelOptions["fault"]>;
  readonly #files = new Map<number, FakeFile>();
  readonly #faults = new Map<string, number[]>();
  #waiting: (() => void) | null = null;

  constructor(options: FakeKernelOptions = {}) {
    this.eventLayout = options.eventLayout ?? { size: 12, dataOffset: 4 };
    this.#sendBytesMax = options.sendBytesMax ?? 1_000_000;
    this.#part = options.part ?? ((bytes) => bytes);
    this.#faultOf = options.fault ?? (() => null);
  }

  /** Has the next calls fail, with one error each. */
  fail(call: FallibleCall, ...errors: (keyof typeof Errno)[]): void {
    const numbers = errors.map((name) => Errno[name]);
    this.#faults.set(call, [...this.#faults.get(call) ?? [], ...numbers]);
    this.changed();
  }

  /** How many descriptors are open. */
  get openCount(): number {
    return this.#files.size;
  }

  /** A peer connects to the socket that listens, and waits to be accepted. */
  connect(address = "192.0.2.1", port = 40_000): FakePeer {
    const listener = [...this.#files.values()].find((file) => file instanceof FakeListener);
    if (listener === undefined) throw new Error("Nobody listens");
    const socket = new FakeSocket(this, this.#sendBytesMax);
    const bytes = new Uint8Array(16);
    bytes.set([2, 0, port >> 8, port & 0xff, ...address.split(".").map(Number)]);
    (listener as FakeListener).backlog.push({ socket, address: bytes });
    this.changed();
    return new FakePeer(socket);
  }

  /** A socket that is connected already, and its descriptor. */
  socketPair(): { fd: number; peer: FakePeer } {
    const socket = new FakeSocket(this, this.#sendBytesMax);
    return { fd: this.#add(socket), peer: new FakePeer(socket) };
  }

  /** Something has happened: whoever waits finds out. */
  changed(): void {
    if (this.#waiting === null || !this.#hasEvents()) return;
    this.#waiting();
    this.#waiting = null;
  }

  socket(): number {
    return this.#fault("socket") ?? this.#add(new FakeFile());
  }

  setsockopt(fd: number, level: number, name: number, value: number): number {
    return this.#fault("setsockopt") ?? this.#on("setsockopt", fd, () => {
      this.options.push(`${level} ${name} ${value}`);
      return 0;
    });
  }

  bind(fd: number): number {
    return this.#fault("bind") ?? this.#on("bind", fd, () => 0);
  }

  listen(fd: number, backlog: number): number {
    return this.#fault("listen") ?? this.#on("listen", fd, () => {
      this.options.push(`backlog ${backlog}`);
      this.#files.set(fd, new FakeListener());
      return 0;
    });
  }

  accept4(fd: number, address: Uint8Array): number {
    return this.#fault("accept4") ?? this.#on("accept4", fd, (file) => {
      const next = (file as FakeListener).backlog.shift();
      if (next === undefined) return -Errno.EAGAIN;
      address.set(next.address);
      return this.#add(next.socket);
    });
  }

  getsockname(fd: number, address: Uint8Array): number {
    return this.#fault("getsockname") ?? this.#on("getsockname", fd, () => {
      address.set([2, 0, 1883 >> 8, 1883 & 0xff, 127, 0, 0, 1]);
      return 0;
    });
  }

  recv(fd: number, target: Uint8Array): number {
    return this.#fault("recv") ?? this.#on("recv", fd, (file) => {
      if (target.length === 0) throw new Error("Nothing is to be received");
      target.fill(POISON);
      return (file as FakeSocket).recv(target, this.#part);
    });
  }

  send(fd: number, source: Uint8Array): number {
    return this.#fault("send") ?? this.#on("send", fd, (file) => {
      if (source.length === 0) throw new Error("Nothing is sent");
      return (file as FakeSocket).send(source, this.#part);
    });
  }

  shutdown(fd: number, how: number): number {
    return this.#fault("shutdown") ?? this.#on("shutdown", fd, (file) => {
      if (how === SHUT_WR) (file as FakeSocket).shutdown();
      return 0;
    });
  }

  close(fd: number): number {
    // The descriptor is free whatever the result is.
    const fault = this.#fault("close");
    const result = this.#on("close", fd, (file) => {
      this.#files.delete(fd);
      file.close();
      for (const { watched } of this.#epolls()) watched.delete(fd);
      return 0;
    });
    return fault ?? result;
  }

  epollCreate(): number {
    return this.#fault("epollCreate") ?? this.#add(new FakeEpoll());
  }

  epollCtl(epoll: number, operation: number, fd: number, event: Uint8Array): number {
    return this.#fault("epollCtl") ?? this.#on("epollCtl", epoll, (file) => {
      return this.#on("epollCtl", fd, () => {
        const { watched } = file as FakeEpoll;
        if (operation === EPOLL_CTL_ADD && watched.has(fd)) return -Errno.EEXIST;
        if (operation !== EPOLL_CTL_ADD && !watched.has(fd)) return -Errno.ENOENT;
        // To the end: those that were not reported come first the next time.
        watched.delete(fd);
        if (operation !== EPOLL_CTL_DEL) watched.set(fd, event.slice());
        this.changed();
        return 0;
      });
    });
  }

  epollWait(epoll: number, events: Uint8Array, eventsMax: number): number {
    return this.#fault("epollWait") ?? this.#on("epollWait", epoll, (file) => {
      const { watched } = file as FakeEpoll;
      const ready = this.#ready(file as FakeEpoll).slice(0, eventsMax);
      for (const [index, { fd, flags, event }] of ready.entries()) {
        const at = index * this.eventLayout.size;
        events.set(event, at);
        new DataView(events.buffer).setUint32(at, flags, true);
        watched.delete(fd);
        watched.set(fd, event);
        const source = this.#files.get(fd);
        if (source instanceof FakeEventfd) source.isReady = false;
      }
      return ready.length;
    });
  }

  epollReady(): number {
    return this.#hasEvents() ? 1 : 0;
  }

  epollWaitLater(): Promise<void> {
    this.#count("epollWaitLater");
    if (this.#waiting !== null) throw new Error("Two wait at once");
    if (this.#hasEvents()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting = resolve);
  }

  /** Whether the loop waits in another thread. */
  get isWaiting(): boolean {
    return this.#waiting !== null;
  }

  eventfd(): number {
    return this.#fault("eventfd") ?? this.#add(new FakeEventfd());
  }

  eventfdWrite(fd: number): number {
    return this.#fault("eventfdWrite") ?? this.#on("eventfdWrite", fd, (file) => {
      (file as FakeEventfd).isReady = true;
      this.changed();
      return 8;
    });
  }

  unload(): void {
    if (this.#waiting !== null) throw new Error("Unloaded while a thread waits");
    this.isUnloaded = true;
  }

  #count(call: string): void {
    this.counts.set(call, (this.counts.get(call) ?? 0) + 1);
  }

  #fault(call: FallibleCall): number | null {
    this.#count(call);
    const errno = this.#faults.get(call)?.shift();
    if (errno !== undefined) return -errno;
    const name = this.#faultOf(call);
    return name === null ? null : -Errno[name];
  }

  #on(call: string, fd: number, act: (file: FakeFile) => number): number {
    const file = this.#files.get(fd);
    if (file !== undefined) return act(file);
    this.misuses.push(`${call} on ${fd}`);
    return -Errno.EBADF;
  }

  #add(file: FakeFile): number {
    let fd = 3;
    while (this.#files.has(fd)) fd++;
    this.#files.set(fd, file);
    return fd;
  }

  #epolls(): FakeEpoll[] {
    return [...this.#files.values()].filter((file) => file instanceof FakeEpoll);
  }

  #hasEvents(): boolean {
    return this.#epolls().some((epoll) => this.#ready(epoll).length > 0);
  }

  #ready({ watched }: FakeEpoll): { fd: number; flags: number; event: Uint8Array }[] {
    const ready = [];
    for (const [fd, event] of watched) {
      const asked = new DataView(event.buffer).getUint32(0, true) & ~EPOLLET;
      const flags = this.#files.get(fd)!.flags & (asked | EPOLLERR | EPOLLHUP);
      if (flags !== 0) ready.push({ fd, flags, event });
    }
    return ready;
  }
}

/** What a descriptor stands for. */
class FakeFile {
  /** The events that are there. */
  get flags(): number {
    return 0;
  }

  close(): void {}
}

class FakeEpoll extends FakeFile {
  /** The event that each descriptor was registered with. */
  readonly watched = new Map<number, Uint8Array>();
}

class FakeEventfd extends FakeFile {
  isReady = false;

  override get flags(): number {
    return this.isReady ? EPOLLIN : 0;
  }
}

class FakeListener extends FakeFile {
  readonly backlog: { socket: FakeSocket; address: Uint8Array }[] = [];

  override get flags(): number {
    return this.backlog.length > 0 ? EPOLLIN : 0;
  }

  override close(): void {
    for (const { socket } of this.backlog) socket.close();
  }
}

class FakeSocket extends FakeFile {
  incoming: Uint8Array = new Uint8Array(0);
  outgoing: Uint8Array = new Uint8Array(0);
  /** The peer sends no more. */
  isEnded = false;
  /** The connection was reset, which is told once. */
  isReset = false;
  /** This end sends no more. */
  isShutDown = false;
  isClosed = false;
  /** Called after the program has received, sent, shut down or closed. */
  onUsed: () => void = () => {};
  /** How many bytes may wait to be taken by the peer. */
  sendBytesMax: number;
  #isResetTold = false;

  constructor(readonly kernel: FakeLibc, sendBytesMax: number) {
    super();
    this.sendBytesMax = sendBytesMax;
  }

  override get flags(): number {
    if (this.isReset) return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
    return (this.incoming.length > 0 || this.isEnded ? EPOLLIN : 0) |
      (this.outgoing.length < this.sendBytesMax ? EPOLLOUT : 0) |
      (this.isEnded && this.isShutDown ? EPOLLHUP : 0);
  }

  recv(target: Uint8Array, part: (bytes: number) => number): number {
    if (this.isReset) {
      if (this.#isResetTold) return 0;
      this.#isResetTold = true;
      return -Errno.ECONNRESET;
    }
    if (this.incoming.length === 0) return this.isEnded ? 0 : -Errno.EAGAIN;
    const bytes = part(Math.min(target.length, this.incoming.length));
    target.set(this.incoming.subarray(0, bytes));
    this.incoming = this.incoming.slice(bytes);
    this.onUsed();
    return bytes;
  }

  send(source: Uint8Array, part: (bytes: number) => number): number {
    if (this.isReset || this.isShutDown) return -Errno.EPIPE;
    const room = this.sendBytesMax - this.outgoing.length;
    if (room <= 0) return -Errno.EAGAIN;
    const bytes = part(Math.min(room, source.length));
    this.outgoing = joined(this.outgoing, source.subarray(0, bytes));
    this.onUsed();
    return bytes;
  }

  shutdown(): void {
    this.isShutDown = true;
    this.kernel.changed();
    this.onUsed();
  }

  override close(): void {
    this.isClosed = this.isShutDown = true;
    this.onUsed();
  }
}

/** The other end of a socket of a {@linkcode FakeLibc}. */
export class FakePeer {
  readonly #socket: FakeSocket;

  constructor(socket: FakeSocket) {
    this.#socket = socket;
  }

  /** Whether the socket was closed. */
  get isClosed(): boolean {
    return this.#socket.isClosed;
  }

  /** Whether the socket sends no more. */
  get isFinished(): boolean {
    return this.#socket.isShutDown;
  }

  /** How many bytes were sent to the socket, and not received there. */
  get unreadBytes(): number {
    return this.#socket.incoming.length;
  }

  /** Has `callback` called whenever the program has used the socket. */
  onUsed(callback: () => void): void {
    this.#socket.onUsed = callback;
  }

  /** Sends bytes. */
  send(bytes: Uint8Array): void {
    this.#socket.incoming = joined(this.#socket.incoming, bytes);
    this.#socket.kernel.changed();
  }

  /** Takes what has come, at most so many bytes. */
  take(bytesMax = Infinity): Uint8Array {
    const taken = this.#socket.outgoing.slice(0, bytesMax);
    this.#socket.outgoing = this.#socket.outgoing.slice(taken.length);
    if (taken.length > 0) this.#socket.kernel.changed();
    return taken;
  }

  /** Lets so many bytes wait from now on. */
  window(bytes: number): void {
    this.#socket.sendBytesMax = bytes;
    this.#socket.kernel.changed();
  }

  /** Sends no more. */
  end(): void {
    this.#socket.isEnded = true;
    this.#socket.kernel.changed();
  }

  /** Resets the connection: what is under way is lost. */
  reset(): void {
    this.#socket.isReset = true;
    this.#socket.incoming = this.#socket.outgoing = new Uint8Array(0);
    this.#socket.kernel.changed();
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
