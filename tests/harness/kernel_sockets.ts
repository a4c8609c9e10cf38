/** Native sockets over a fake kernel, whose other ends are pipes of a virtual network. */
import { EventLoop } from "../../transport/native/event_loop.ts";
import { NativeTransport } from "../../transport/native/native_transport.ts";
import { FakeLibc, type FakePeer } from "../../transport/native/testdata/fake_libc.ts";
import type { Transport } from "../../transport/transport.ts";
import { type BytePipe, writeAll } from "./byte_pipe.ts";
import type { Random } from "./random.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** How many bytes the kernel holds for a socket in each direction. */
const WINDOW_BYTES = 3000;
/** How often a call has nothing to do or no memory, though there is something to do. */
const FAULT_CHANCE = 0.05;

/**
 * A kernel that is as unkind as it may be: it takes and gives a part of what it could, has no memory
 * now and then, is interrupted, and reports resets and hang-ups at any step.
 */
export class KernelSockets {
  readonly libc: FakeLibc;
  readonly #loop: EventLoop;

  /** @param reportError Called with what the event loop reports. */
  constructor(clock: VirtualClock, random: Random, reportError: (error: unknown) => void) {
    this.libc = new FakeLibc({
      sendBytesMax: WINDOW_BYTES,
      part: (bytes) => random.chance(0.5) ? bytes : random.integer(1, bytes),
      fault: (call) => {
        if (call !== "recv" && call !== "send") return null;
        return random.chance(FAULT_CHANCE) ? random.pick(["EAGAIN", "EINTR", "ENOBUFS"]) : null;
      },
    });
    this.#loop = new EventLoop(this.libc, clock, reportError);
  }

  /** How many sockets are open. */
  get size(): number {
    return this.#loop.size;
  }

  /** A transport whose socket is connected to a pipe. */
  connect(pipe: BytePipe): Transport {
    const { fd, peer } = this.libc.socketPair();
    new Cable(peer, pipe);
    return new NativeTransport(this.#loop, fd);
  }
}

/** Carries bytes between the other end of a socket and a pipe. */
class Cable {
  readonly #peer: FakePeer;
  readonly #pipe: BytePipe;
  #isWriting = false;
  #isEnded = false;
  #isPipeClosed = false;
  #used: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(peer: FakePeer, pipe: BytePipe) {
    this.#peer = peer;
    this.#pipe = pipe;
    peer.onUsed(() => this.#onUsed());
    // Also while the window is full, and so nothing is read from the pipe.
    pipe.onCut = () => {
      peer.reset();
      this.#onUsed();
    };
    this.#carryIn();
  }

  #onUsed(): void {
    this.#used.resolve();
    this.#used = Promise.withResolvers();
    if (!this.#isWriting) this.#carryOut();
  }

  async #carryIn(): Promise<void> {
    const peer = this.#peer;
    const target = new Uint8Array(1000);
    try {
      while (!peer.isClosed) {
        const bytes = await this.#pipe.read(target);
        if (bytes === null) return peer.end();
        peer.send(target.slice(0, bytes));
        while (peer.unreadBytes > WINDOW_BYTES && !peer.isClosed) await this.#used.promise;
      }
    } catch {
      // The network has cut the connection.
      peer.reset();
    }
  }

  async #carryOut(): Promise<void> {
    const peer = this.#peer;
    this.#isWriting = true;
    try {
      // A socket that is closed with bytes unread resets the connection.
      const isReset = () => peer.isClosed && peer.unreadBytes > 0;
      for (let bytes = peer.take(); bytes.length > 0 && !isReset(); bytes = peer.take()) {
        await writeAll(this.#pipe, bytes);
      }
      if (peer.isClosed) this.#closePipe();
      else if (peer.isFinished && !this.#isEnded) {
        this.#isEnded = true;
        await this.#pipe.closeWrite?.();
      }
    } catch {
      peer.reset();
    }
    this.#isWriting = false;
    if (peer.isClosed) this.#closePipe();
  }

  #closePipe(): void {
    if (this.#isPipeClosed) return;
    this.#isPipeClosed = true;
    this.#pipe.close();
  }
}
