import { connect, type ConnectFields, disconnect, type Level, uint32 } from "../harness/packets.ts";
import { concat } from "@std/bytes";
import type { Random } from "../harness/random.ts";
import { type Frame, Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** Seconds that durable sessions last: longer than any round. */
const EXPIRY_SECONDS = 3600;
/** The property Session Expiry Interval. */
export const DURABLE: Uint8Array = concat([Uint8Array.of(0x11), uint32(EXPIRY_SECONDS)]);

const DISCONNECT = 14;
/** The reason code Session taken over. */
const TAKEN_OVER = 0x8e;
/** The reason code Server busy: the worker that has the streams does not run. */
const BUSY = 0x89;
/** The reason code of a SUBACK that says the same. */
const NOT_NOW = 0x83;

/** How a connection is left. */
export type Farewell = "disconnect" | "drop";

/** A client that comes back whenever it has lost its broker, to a session that must be there. */
export abstract class Client {
  readonly world: World;
  readonly random: Random;
  readonly level: Level;
  readonly clientId: string;
  /** The connection, once the broker has accepted it. */
  wire: Wire | null = null;
  /** Whether the broker has promised a session, and whether it was asked for one. */
  #isPromised = false;
  #isAsked = false;

  constructor(world: World, random: Random, clientId: string) {
    this.world = world;
    this.random = random;
    this.clientId = clientId;
    this.level = random.pick([4, 5]);
  }

  /** Comes and goes until the round is over. */
  async run(): Promise<void> {
    for (;;) {
      const port = await this.world.broker();
      if (port === null) return;
      const wire = await Wire.dial(port);
      if (wire === null) {
        await this.world.pause(this.random, 50);
        continue;
      }
      const over = this.leaveLater(wire);
      await this.#live(wire);
      wire.close();
      this.wire = null;
      this.lost();
      await over;
      if (this.world.isBusy) await this.between();
      else if (!this.staysToTheEnd) return;
    }
  }

  /** Whether it comes back although the others are only waiting for what is left. */
  protected get staysToTheEnd(): boolean {
    return true;
  }

  /** Whether it needs the worker that has the streams. */
  protected get readsStreams(): boolean {
    return false;
  }

  /**
   * Looks at the answer to a subscription to a stream, the last code of a SUBACK.
   *
   * @returns Whether it has it. If not, it has left, to try again.
   */
  protected isGranted(wire: Wire, code: number | undefined, qos: number): boolean {
    if (code === qos) return true;
    if (!this.world.hasWorkers || code !== NOT_NOW) {
      this.world.fault(`${this.clientId}: granted ${code}`);
    }
    this.leave(wire, "drop");
    return false;
  }

  /** The fields of its next CONNECT. */
  protected abstract connect(): ConnectFields;
  /** The broker has accepted it. */
  protected abstract connected(wire: Wire, isPresent: boolean): void;
  /** A packet has come. */
  protected abstract take(wire: Wire, frame: Frame): void;
  /** The connection is over. */
  protected abstract lost(): void;
  /** Ends the connection in its time, or leaves that to others. */
  protected abstract leaveLater(wire: Wire): Promise<void>;
  /** Between two connections. */
  protected abstract between(): Promise<void>;

  /** Ends a connection. */
  protected leave(wire: Wire, how: Farewell): void {
    if (how === "disconnect") wire.send(disconnect());
    else wire.close();
  }

  async #live(wire: Wire): Promise<void> {
    const fields = this.connect();
    const isDurable = fields.clean === false;
    wire.send(connect({ ...fields, clientId: this.clientId, level: this.level }));
    const answer = await wire.next();
    if (answer === null) {
      this.#isAsked ||= isDurable;
      return;
    }
    const [flags = 0, reasonCode] = answer.body;
    if (answer.type !== 2 || reasonCode !== 0) {
      return this.world.fault(`${this.clientId} was refused: ${answer.type} ${answer.body}`);
    }
    const isPresent = (flags & 1) === 1;
    if (isDurable && this.#isPromised && !isPresent) {
      this.world.fault(`${this.clientId}: no session`);
    }
    if (isPresent && !(this.#isPromised || this.#isAsked)) {
      this.world.fault(`${this.clientId}: a session from nowhere`);
    }
    this.#isPromised ||= isDurable;
    this.wire = wire;
    this.connected(wire, isPresent);
    for (let frame = await wire.next(); frame !== null; frame = await wire.next()) {
      if (frame.type === DISCONNECT) {
        const [reason] = frame.body;
        const isExpected = reason === TAKEN_OVER || reason === BUSY && this.readsStreams;
        if (!this.world.hasWorkers || !isExpected) {
          this.world.fault(`${this.clientId} was sent away: ${frame.body}`);
        }
        return;
      }
      this.take(wire, frame);
    }
  }
}
