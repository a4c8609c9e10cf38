import type { BrokerContext } from "../base/context.ts";
import { type WatchedConnection, WriteTimeout } from "./write_timeout.ts";
import { TakeoverLimiter } from "./takeover_limiter.ts";
import { ConnectionLimiter } from "./connection_limiter.ts";
import { EventLoopMonitor } from "./event_loop_monitor.ts";
import { LoginLimiter } from "./login_limiter.ts";
import { BanList } from "./ban_list.ts";
import { harmlessBytes } from "./packet_limits.ts";

/** What keeps clients from doing harm to the others: a limiter for each way to do harm. */
export class Limiters {
  /** How many connections and handshakes there are, by address and in all. */
  readonly addresses: ConnectionLimiter;
  /** Slows down those who guess passwords. */
  readonly logins: LoginLimiter;
  /** Notices clients that take over one session from each other again and again. */
  readonly takeovers: TakeoverLimiter;
  /** Whether the event loop has time for new connections. */
  readonly eventLoop: EventLoopMonitor;
  /** Closes connections whose clients take nothing of what is written to them. */
  readonly writes: WriteTimeout;
  /** Clients that an operator has banned. */
  readonly bans: BanList;
  /** Bodies of packets up to this size need no check of what they hold, in bytes. */
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

  /** Goes by limits that have changed. */
  applyLimits(): void {
    this.addresses.applyLimits();
    this.logins.applyLimits();
    this.takeovers.applyLimits();
    this.eventLoop.applyLimits();
    this.writes.applyLimits();
    this.harmlessBytes = harmlessBytes(this.#context.limits);
  }
}
