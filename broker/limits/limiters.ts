/** All limiters of the broker that protect clients from each other. */
import type { BrokerContext } from "../base/context.ts";
import { type WatchedConnection, WriteTimeout } from "./write_timeout.ts";
import { TakeoverLimiter } from "./takeover_limiter.ts";
import type { ConnectionAdmission } from "./connection_admission.ts";
import { ConnectionLimiter } from "./connection_limiter.ts";
import { EventLoopMonitor } from "./event_loop_monitor.ts";
import type { LoginGuard } from "./login_guard.ts";
import { LoginLimiter } from "./login_limiter.ts";
import { BanList } from "./ban_list.ts";
import { harmlessBytes } from "./packet_limits.ts";
import { SharedConnectionLimiter } from "./shared_connection_limiter.ts";
import { SharedLoginLimiter } from "./shared_login_limiter.ts";
import type { SharedLimits } from "./shared_limits.ts";

/** All limiters that protect clients from each other. */
export class Limiters {
  /** Limits connections and handshakes, by address and in total. */
  addresses: ConnectionAdmission;
  /** Slows down password guessing. */
  logins: LoginGuard;
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
  #bytesMax = Infinity;

  constructor(
    context: BrokerContext,
    connections: Iterable<WatchedConnection> & { readonly size: number },
  ) {
    this.#context = context;
    this.addresses = new ConnectionLimiter(context, connections);
    this.logins = new LoginLimiter(context);
    this.takeovers = new TakeoverLimiter(context);
    this.eventLoop = new EventLoopMonitor(context);
    this.writes = new WriteTimeout(context, connections);
    this.bans = new BanList(context.clock);
    this.harmlessBytes = harmlessBytes(context.limits);
  }

  /** Counts with all workers of the process from now on. Call it before the first connection. */
  share(shared: SharedLimits): void {
    this.addresses = new SharedConnectionLimiter(this.#context, shared);
    this.logins = new SharedLoginLimiter(this.#context, shared);
    this.limitBytes(this.#bytesMax);
  }

  /** The memory of the records of addresses and client identifiers, in bytes. */
  get bytes(): number {
    return this.addresses.bytes + this.logins.bytes + this.takeovers.bytes;
  }

  /** Limits the memory of each table of such records, in bytes. */
  limitBytes(bytesMax: number): void {
    this.#bytesMax = bytesMax;
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
