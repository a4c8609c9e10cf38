/** All limiters of the broker that protect clients from each other. */
import type { BrokerContext } from "../base/context.ts";
import { type WatchedConnection, WriteTimeout } from "./write_timeout.ts";
import { TakeoverLimiter } from "./takeover_limiter.ts";
import { ConnectionLimiter } from "./connection_limiter.ts";
import { EventLoopMonitor } from "./event_loop_monitor.ts";
import { LoginLimiter } from "./login_limiter.ts";
import { BanList } from "./ban_list.ts";
import { harmlessBytes } from "./packet_limits.ts";

/** All limiters that protect clients from each other. */
export class Limiters {
  /** Limits connections and handshakes, by address and in total. */
  readonly addresses: ConnectionLimiter;
  /** Slows down password guessing. */
  readonly logins: LoginLimiter;
  /** Detects clients that take over one session from each other repeatedly. */
  readonly takeovers: TakeoverLimiter;
  /** Detects an overloaded event loop. */
  readonly eventLoop: EventLoopMonitor;
  /** Closes connections whose clients do not receive what is written to them. */
  readonly writes: WriteTimeout;
  /** Clients that an operator has banned. */
  readonly bans: BanList;
  /** The size up to which the body of a packet needs no check of its contents, in bytes. */
  harmlessBytes: number;

  readonly #context: BrokerContext;

  constructor(context: BrokerContext, connections: Iterable<WatchedConnection>) {
    this.#context = context;
    this.addresses = new ConnectionLimiter(context);
    this.logins = new LoginLimiter(context);
    this.takeovers = new TakeoverLimiter(context);
    this.eventLoop = new EventLoopMonitor(context);
    this.writes = new WriteTimeout(context, connections);
    this.bans = new BanList(context.clock);
    this.harmlessBytes = harmlessBytes(context.limits);
  }

  /** The memory of the records of addresses and client identifiers, in bytes. */
  get bytes(): number {
    return this.addresses.bytes + this.logins.bytes + this.takeovers.bytes;
  }

  /** Limits the memory of each table of such records, in bytes. */
  limitBytes(bytesMax: number): void {
    this.addresses.limitBytes(bytesMax);
    this.logins.limitBytes(bytesMax);
    this.takeovers.limitBytes(bytesMax);
  }

  /** Applies changed limits. */
  applyLimits(): void {
    this.addresses.applyLimits();
    this.logins.applyLimits();
    this.takeovers.applyLimits();
    this.eventLoop.applyLimits();
    this.writes.applyLimits();
    this.harmlessBytes = harmlessBytes(this.#context.limits);
  }
}
