/** The event loop of the native sockets. It runs within the event loop of the runtime. */
import { type Clock, soon } from "../clock.ts";
import { Epoll } from "./epoll.ts";
import { Errno, SystemCallError } from "./errno.ts";
import { EPOLLET, EPOLLIN, type Libc } from "./libc.ts";

/** The maximum number of events in one round. */
const EVENTS_MAX = 256;
/** The size of the buffer that all sockets read into, in bytes. */
const READ_BYTES = 64 * 1024;
/** The number of events between two reads of the clock. */
const EVENTS_PER_LOOK = 16;
/** After how long the runtime gets a turn, in milliseconds. */
const ROUND_MS_MAX = 2;
/**
 * How many more times the loop polls when nothing is ready, each in a turn of the runtime. The time
 * that these turns take shows whether the program has other work.
 */
const POLLS_MAX = 4;
/** How long these turns take without other work, in milliseconds. */
const POLLS_MS_MAX = 0.05;
/**
 * How long the loop polls beside other work when nothing is ready, in milliseconds. Then it waits
 * all the same: on a slow machine the turns alone take as long as other work, and an idle broker must
 * not use the processor.
 */
const QUIET_MS_MAX = 0.5;
/**
 * How long the loop then waits in this thread, in nanoseconds. This wait is cheap. A wait in
 * another thread costs as much as several messages. But the rest of the program has to wait, too.
 */
const BRIEF_NS = 200_000;
/**
 * After this many useless waits in a row, the loop waits in this thread only one time in {@linkcode
 * WAITS_PER_BRIEF}.
 */
const BRIEF_CREDIT_MAX = 8;
const WAITS_PER_BRIEF = 16;
/**
 * The longest wait in another thread, in milliseconds. A terminated worker leaves such a wait
 * behind.
 */
const WAIT_MS_MAX = 10_000;

/** Is told of the events of a descriptor. */
export interface Watched {
  /**
   * The descriptor is ready.
   *
   * @param flags The EPOLL… flags of the event.
   */
  onReady(flags: number): void;
}

/**
 * Tells all native sockets when they can be read and written. Each round polls without waiting,
 * handles the events, and then lets the runtime run, so that timers, workers and HTTP continue. If
 * nothing is ready for a while, one wait in another thread covers all descriptors.
 *
 * The loop runs while any descriptor is watched, and keeps the process alive.
 */
export class EventLoop {
  readonly libc: Libc;
  /**
   * The buffer that sockets read into. Its content belongs to the socket that has read it, until
   * that socket has handled it. Then the next socket reads into it.
   */
  readonly buffer: Uint8Array<ArrayBuffer> = new Uint8Array(READ_BYTES);
  /** Counts the rounds. */
  round = 0;
  readonly #clock: Clock;
  readonly #reportError: (error: unknown) => void;
  readonly #epollFd: number;
  readonly #wakeFd: number;
  readonly #epoll: Epoll;
  /** By descriptor. */
  readonly #watched: (Watched | null | undefined)[] = [];
  readonly #generations: number[] = [];
  #size = 0;
  /** The index of the next event of this round. */
  #next = 0;
  /** The number of polls in a row that have found nothing. */
  #polls = 0;
  /** When the first of them was. */
  #pollsSinceMs = 0;
  /** When events were found last. */
  #foundMs = 0;
  #briefCredit = BRIEF_CREDIT_MAX;
  #waits = 0;
  #state: "stopped" | "running" | "waiting" = "stopped";
  #closing: Promise<void> | null = null;
  readonly #stopped = Promise.withResolvers<void>();

  /**
   * @param reportError Called with errors of handlers and of epoll.
   * @throws {SystemCallError} If no descriptor is free.
   */
  constructor(libc: Libc, clock: Clock, reportError: (error: unknown) => void) {
    this.libc = libc;
    this.#clock = clock;
    this.#reportError = reportError;
    this.#epollFd = checked("epoll_create1", libc.epollCreate());
    this.#wakeFd = libc.eventfd();
    if (this.#wakeFd < 0) {
      libc.close(this.#epollFd);
      checked("eventfd", this.#wakeFd);
    }
    this.#epoll = new Epoll(libc, this.#epollFd, EVENTS_MAX);
    // Edge-triggered, because it is written and never read.
    this.#epoll.add(this.#wakeFd, EPOLLIN | EPOLLET, 0);
  }

  /** How many descriptors are watched. */
  get size(): number {
    return this.#size;
  }

  /**
   * Watches a descriptor.
   *
   * @param flags The EPOLL… flags of the wanted events.
   * @returns 0, or the negative number of the error.
   */
  add(fd: number, flags: number, watched: Watched): number {
    const generation = this.#generations[fd] ??= 1;
    const result = this.#epoll.add(fd, flags, generation);
    if (result < 0) return result;
    this.#watched[fd] = watched;
    this.#size++;
    this.#start();
    return result;
  }

  /** Changes the wanted events of a watched descriptor. */
  change(fd: number, flags: number): number {
    return this.#epoll.change(fd, flags, this.#generations[fd]!);
  }

  /** Stops watching a descriptor that stays open. */
  remove(fd: number): void {
    this.#epoll.remove(fd);
    this.forget(fd);
  }

  /** Stops watching a descriptor that is about to be closed. */
  forget(fd: number): void {
    if ((this.#watched[fd] ?? null) === null) return;
    this.#watched[fd] = null;
    this.#generations[fd] = this.#generations[fd]! + 1 | 0;
    this.#size--;
    if (this.#size === 0 && this.#state === "waiting") this.libc.eventfdWrite(this.#wakeFd);
  }

  /** Stops, even if descriptors are watched. It closes only its own descriptors. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    if (this.#state === "waiting") this.libc.eventfdWrite(this.#wakeFd);
    if (this.#state !== "stopped") await this.#stopped.promise;
    this.libc.close(this.#wakeFd);
    this.libc.close(this.#epollFd);
  }

  #start(): void {
    if (this.#state !== "stopped" || this.#closing !== null) return;
    this.#state = "running";
    soon(this.#clock, this.#step);
  }

  #stop(): void {
    this.#state = "stopped";
    if (this.#closing !== null) this.#stopped.resolve();
  }

  readonly #step = () => {
    if (this.#size === 0 || this.#closing !== null) return this.#stop();
    if (this.#next < this.#epoll.count) {
      this.#handle();
      return soon(this.#clock, this.#step);
    }
    this.#next = 0;
    this.round = this.round + 1 | 0;
    if (this.#poll()) soon(this.#clock, this.#step);
    else this.#onQuiet();
  };

  /** Handles what is ready. Returns false if nothing is. */
  #poll(): boolean {
    const found = this.#epoll.poll();
    if (found > 0) {
      this.#polls = 0;
      this.#handle();
      return true;
    }
    if (found < 0 && found !== -Errno.EINTR) {
      this.#reportError(new SystemCallError("epoll_wait", -found));
    }
    return false;
  }

  /** Nothing is ready. Polls again while the program has other work, and otherwise waits. */
  #onQuiet(): void {
    // The broker handles nothing until the runtime has made its steps, so a wait would be in vain.
    if (this.#clock.isPollAwaited === true) return soon(this.#clock, this.#step);
    if (this.#polls === 0) this.#pollsSinceMs = this.#clock.now();
    if (++this.#polls <= POLLS_MAX) return soon(this.#clock, this.#step);
    this.#polls = 0;
    const now = this.#clock.now();
    const isBusy = now - this.#pollsSinceMs > POLLS_MS_MAX;
    if (isBusy && now - this.#foundMs < QUIET_MS_MAX) return soon(this.#clock, this.#step);
    if (this.#isReadySoon() && this.#poll()) soon(this.#clock, this.#step);
    else this.#wait();
  }

  /** Waits briefly in this thread, if that was useful lately. Returns whether there are events. */
  #isReadySoon(): boolean {
    if (this.#briefCredit === 0 && ++this.#waits % WAITS_PER_BRIEF > 0) return false;
    const isReady = this.libc.epollReady(this.#epollFd, BRIEF_NS) > 0;
    if (isReady) this.#briefCredit = BRIEF_CREDIT_MAX;
    else if (this.#briefCredit > 0) this.#briefCredit--;
    return isReady;
  }

  #wait(): void {
    this.#state = "waiting";
    this.libc.epollWaitLater(this.#epollFd, WAIT_MS_MAX).then(this.#onAwake, this.#onAwake);
  }

  readonly #onAwake = () => {
    this.#state = "running";
    this.#step();
  };

  /** Handles the events of this round, as many as there is time for. */
  #handle(): void {
    const epoll = this.#epoll;
    const startMs = this.#clock.now();
    this.#foundMs = startMs;
    while (this.#next < epoll.count) {
      const index = this.#next++;
      const fd = epoll.fd(index);
      const watched = this.#watched[fd] ?? null;
      if (watched === null || epoll.generation(index) !== this.#generations[fd]) continue;
      try {
        watched.onReady(epoll.flags(index));
      } catch (error) {
        this.#reportError(error);
      }
      if (this.#next % EVENTS_PER_LOOK > 0) continue;
      if (this.#clock.now() - startMs >= ROUND_MS_MAX) return;
    }
  }
}

/** @throws {SystemCallError} If a call has failed. */
function checked(call: string, result: number): number {
  if (result < 0) throw new SystemCallError(call, -result);
  return result;
}
