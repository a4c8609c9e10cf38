import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../../tests/harness/virtual_clock.ts";
import type { PipeReceiver } from "../../pipe.ts";
import { EventLoop } from "../event_loop.ts";
import { NativeSocket } from "../native_socket.ts";
import { type FakeKernelOptions, FakeLibc, type FakePeer } from "./fake_libc.ts";

/** An event loop over a fake kernel, on virtual time. */
export class NativeWorld {
  readonly clock = new VirtualClock();
  readonly libc: FakeLibc;
  readonly loop: EventLoop;
  /** What the loop and its listeners have reported. */
  readonly errors: unknown[] = [];

  constructor(options: FakeKernelOptions = {}) {
    this.libc = new FakeLibc(options);
    this.loop = new EventLoop(this.libc, this.clock, (error) => this.errors.push(error));
  }

  /** A socket that reads, its receiver and its peer. */
  open(): { socket: NativeSocket; receiver: RecordingReceiver; peer: FakePeer } {
    const { fd, peer } = this.libc.socketPair();
    const receiver = new RecordingReceiver();
    const socket = receiver.socket = new NativeSocket(this.loop, fd, receiver);
    return { socket, receiver, peer };
  }

  /** Lets everything happen that can without time passing. */
  async settle(): Promise<void> {
    await this.clock.advance(0);
  }

  /** Stops, and finds that nothing is left and nothing was called that must not be. */
  async close(): Promise<void> {
    const closing = this.loop.close();
    await this.settle();
    await closing;
    assertEquals([this.libc.openCount, this.libc.misuses], [0, []]);
  }
}

/** Takes what it is told into its own buffer, and closes its socket when it has ended. */
export class RecordingReceiver implements PipeReceiver {
  socket: NativeSocket | null = null;
  readonly events: string[] = [];
  /** Everything that was received. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Called after each receipt. */
  afterRead: () => void = () => {};
  #target: Uint8Array = new Uint8Array(0);

  target(shared: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#target = shared;
    return shared;
  }

  onReceived(bytes: number): void {
    if (bytes === 0) return;
    this.events.push(`received ${bytes}`);
    this.bytes = Uint8Array.of(...this.bytes, ...this.#target.subarray(0, bytes));
    this.afterRead();
  }

  onEnded(error: unknown): void {
    this.events.push(`ended ${codeOf(error)}`);
    this.socket?.close();
  }

  onWritten(bytes: number): void {
    this.events.push(`written ${bytes}`);
  }

  onWriteFailed(error: unknown): void {
    this.events.push(`write failed ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  return error === null ? "well" : (error as { code?: string }).code ?? `${error}`;
}
