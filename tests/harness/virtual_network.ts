import type { BytePipe } from "./byte_pipe.ts";
import { Random } from "./random.ts";
import type { VirtualClock } from "./virtual_clock.ts";
import { type PipeConditions, VirtualPipe } from "./virtual_pipe.ts";

/** How a {@linkcode VirtualNetwork} behaves; everything not given is kind to the test. */
export interface NetworkOptions extends Partial<PipeConditions> {
  /** Repeats a run. */
  seed: number;
  /** The time on which bytes travel. */
  clock: VirtualClock;
  /** Takes the server's end of each connection that is made. */
  accept: (pipe: BytePipe, connection: VirtualConnection) => void;
  /** The probability that the arrival of a piece cuts its connection. */
  cutChance?: number;
}

/**
 * A network in memory on which a test is alone with its seed: when bytes arrive, where they are
 * split and which connection breaks is random, and the same in every run with this seed.
 *
 * Bytes move only while the clock does.
 */
export class VirtualNetwork {
  /** For what a test itself leaves to chance. */
  readonly random: Random;
  /** Raised to make a storm, 0 for fair weather. */
  cutChance: number;
  /** All connections that are neither cut nor closed by both ends. */
  readonly connections: Set<VirtualConnection> = new Set();

  readonly #clock: VirtualClock;
  readonly #accept: NetworkOptions["accept"];
  readonly #conditions: PipeConditions;
  /** Has a generator of its own: what a test draws must not move the network's choices. */
  readonly #chance: Random;
  #made = 0;
  #fingerprint = 0x811c9dc5;

  constructor(options: NetworkOptions) {
    this.random = new Random(options.seed);
    this.#chance = this.random.fork();
    this.#clock = options.clock;
    this.#accept = options.accept;
    this.cutChance = options.cutChance ?? 0;
    this.#conditions = {
      maxDelayMs: options.maxDelayMs ?? 20,
      windowBytes: options.windowBytes ?? 4096,
    };
  }

  /** A number that two runs share only if the same bytes arrived at the same instants. */
  get fingerprint(): number {
    return this.#fingerprint >>> 0;
  }

  /** Opens a connection; the server meets its end of it a little later. */
  connect(): BytePipe {
    const number = this.#made++;
    const newPipe = (side: number) =>
      new VirtualPipe(this.#clock, this.#chance, this.#conditions, (bytes) => {
        this.#note(number * 2 + side, bytes);
        if (this.cutChance > 0 && this.#chance.chance(this.cutChance)) connection.cut();
      });
    const connection = new VirtualConnection(number, newPipe(0), newPipe(1), () => {
      this.connections.delete(connection);
    });
    this.connections.add(connection);
    const atMs = this.#clock.now() + this.#chance.integer(0, this.#conditions.maxDelayMs);
    this.#clock.schedule(atMs, () => this.#accept(connection.server, connection));
    return connection.client;
  }

  /** Cuts a random connection, if there is any. */
  cutOne(): void {
    if (this.connections.size > 0) this.#chance.pick([...this.connections]).cut();
  }

  /** Mixes an arrival into the fingerprint (FNV-1a). */
  #note(direction: number, bytes: Uint8Array): void {
    for (const value of [this.#clock.now(), direction, bytes.length, ...bytes]) {
      this.#fingerprint = Math.imul(this.#fingerprint ^ value, 0x01000193);
    }
  }
}

/** A connection of a {@linkcode VirtualNetwork}: two pipes with two ends. */
export class VirtualConnection {
  /** The end of the one who connected. */
  readonly client: BytePipe;
  /** The end of the one who accepted. */
  readonly server: BytePipe;
  readonly #pipes: readonly VirtualPipe[];
  readonly #onGone: () => void;
  #openEnds = 2;

  /** @param number Counts the connections of its network from 0. */
  constructor(readonly number: number, up: VirtualPipe, down: VirtualPipe, onGone: () => void) {
    this.#pipes = [up, down];
    this.#onGone = onGone;
    const onClose = () => --this.#openEnds === 0 && onGone();
    this.client = endOf(down, up, onClose);
    this.server = endOf(up, down, onClose);
  }

  /** Breaks the connection as a router that forgets it would: what is under way is lost. */
  cut(): void {
    const error = new Deno.errors.ConnectionReset("The virtual network cut the connection");
    for (const pipe of this.#pipes) {
      pipe.failReads(error);
      pipe.failWrites(error);
    }
    this.#onGone();
  }
}

/** An end fails in the ways a `Deno.TcpConn` does, up to the second `close()`. */
function endOf(incoming: VirtualPipe, outgoing: VirtualPipe, onClose: () => void): BytePipe {
  let isClosed = false;
  const checkOpen = () => {
    if (isClosed) throw new Deno.errors.BadResource("This end of the connection is closed");
  };
  return {
    async read(target) {
      checkOpen();
      return await incoming.read(target);
    },
    async write(bytes) {
      checkOpen();
      return await outgoing.write(bytes);
    },
    // deno-lint-ignore require-await
    async closeWrite() {
      checkOpen();
      outgoing.end();
    },
    close() {
      checkOpen();
      isClosed = true;
      const interrupted = new Deno.errors.Interrupted("This end was closed meanwhile");
      incoming.failReads(interrupted);
      incoming.failWrites(new Deno.errors.BrokenPipe("The other end is closed"));
      outgoing.failWrites(interrupted);
      outgoing.end();
      onClose();
    },
  };
}
