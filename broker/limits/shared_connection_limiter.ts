/** Limits connections and handshakes of all workers together, per address and in total. */
import { Receipt } from "../../log/receipt.ts";
import type { BrokerContext } from "../base/context.ts";
import { Deadline } from "../base/scheduler.ts";
import { addressKey } from "./address_prefix.ts";
import {
  type AdmissionPolicy,
  type AdmissionRefusal,
  type ConnectionAdmission,
  type ConnectionLease,
  SPARE_HANDSHAKES,
} from "./connection_admission.ts";
import { ConnectionLimiter } from "./connection_limiter.ts";
import type { HeldCount, RateLimit, SharedAddress } from "./shared_addresses.ts";
import type { SharedCount } from "./shared_count.ts";
import type { SharedLimits } from "./shared_limits.ts";

/** How long a paused acceptor waits before it looks again, in milliseconds: nobody wakes it. */
const RETRY_MS = 20;

/** A limit of an address that was reached. */
type ReachedLimit = "address-connections" | "address-handshakes" | "address-rate";

/** What a connection holds of its address. */
interface HeldAddress {
  readonly connection: HeldCount;
  readonly handshake: HeldCount;
}

/**
 * The limits of {@linkcode ConnectionLimiter}, for all workers of a process together.
 *
 * A connection is counted by the worker that serves it. The worker that has accepted it only checks
 * its address, so the address is checked again where it is counted. An address for which the shared
 * table has no room is limited by this worker alone.
 */
export class SharedConnectionLimiter implements ConnectionAdmission {
  readonly #context: BrokerContext;
  readonly #shared: SharedLimits;
  /** For addresses that are not in the table. */
  readonly #own: ConnectionLimiter;
  #paused: Receipt | null = null;
  /** What has paused the acceptors when they looked last; it is reported once. */
  #pausedBy: "handshakes" | "connect-rate" | null = null;
  readonly #due = new Deadline(() => this.#wake());

  constructor(context: BrokerContext, shared: SharedLimits) {
    this.#context = context;
    this.#shared = shared;
    this.#own = new ConnectionLimiter(context);
  }

  get handshakes(): number {
    return this.#shared.totals.handshakes.total;
  }

  /** Its share: the workers accept about equally many connections. */
  get pendingMax(): number {
    const { totals, nodes } = this.#shared;
    const left = this.#context.limits.connectionsMax + SPARE_HANDSHAKES - totals.connections.total;
    return Math.ceil(left / nodes);
  }

  get bytes(): number {
    return this.#own.bytes;
  }

  limitBytes(bytesMax: number): void {
    this.#own.limitBytes(bytesMax);
  }

  applyLimits(): void {
    this.close();
    this.#own.applyLimits();
  }

  wait(): Receipt | null {
    const reached = this.#reached();
    if (reached === null) {
      this.#pausedBy = null;
      return null;
    }
    const { scheduler, clock } = this.#context;
    if (this.#pausedBy !== reached) this.#context.reportLimit(reached, null, null);
    this.#pausedBy = reached;
    if (this.#paused === null) {
      this.#paused = new Receipt();
      scheduler.set(this.#due, clock.now() + RETRY_MS);
    }
    return this.#paused;
  }

  mayConnect(address: string): boolean {
    const now = this.#now();
    const { connectsPerSecondMax } = this.#context.limits;
    if (connectsPerSecondMax > 0) {
      this.#shared.addresses.useAll(now, (all) => all.spend("connects", this.#rate()));
    }
    const key = addressKey(address);
    if (key === null) return true;
    const reached = this.#shared.addresses.use(key, now, (record) => {
      return this.#reachedOf(record) ?? this.#takeRate(record);
    });
    if (reached === null) return this.#own.mayConnect(address);
    return reached === "none" || this.#refuse(reached, address);
  }

  acquire(address: string, policy: AdmissionPolicy): ConnectionLease | AdmissionRefusal {
    const { totals, addresses, listeners } = this.#shared;
    const listener = listeners.of(policy.name);
    const hasRoom = listener === null
      ? policy.hasRoom
      : !policy.isClosed && listener.acquire(policy.effective.connectionsMax);
    if (!hasRoom) return "connections";
    if (!totals.connections.acquire(this.#context.limits.connectionsMax)) {
      listener?.remove();
      return "connections";
    }
    const key = addressKey(address);
    const held = key === null ? null : addresses.use(key, this.#now(), (record) => {
      return this.#reachedOf(record) ?? {
        connection: record.hold("connections"),
        handshake: record.hold("handshakes"),
      };
    });
    if (typeof held === "string") {
      listener?.remove();
      totals.connections.remove();
      this.#refuse(held, address);
      return "address";
    }
    totals.handshakes.add();
    const own = key !== null && held === null ? this.#own.count(address) : null;
    return new SharedLease(this.#shared, { listener, address: held, own });
  }

  close(): void {
    this.#context.scheduler.clear(this.#due);
    this.#wake();
  }

  /** The wall clock: the clocks of workers have begun at different times. */
  #now(): number {
    return this.#context.settings.wallClock();
  }

  #rate(): RateLimit {
    const { connectsPerSecondMax } = this.#context.limits;
    return { perSecond: connectsPerSecondMax, burst: connectsPerSecondMax };
  }

  #reached(): "handshakes" | "connect-rate" | null {
    const { handshakesMax, connectsPerSecondMax } = this.#context.limits;
    if (handshakesMax > 0 && this.handshakes >= handshakesMax) return "handshakes";
    if (connectsPerSecondMax === 0) return null;
    const { addresses } = this.#shared;
    const tokens = addresses.useAll(this.#now(), (all) => all.tokens("connects", this.#rate()));
    return tokens === null || tokens >= 1 ? null : "connect-rate";
  }

  #reachedOf(record: SharedAddress): ReachedLimit | null {
    const { addressConnectionsMax, addressHandshakesMax } = this.#context.limits;
    if (addressConnectionsMax > 0 && record.count("connections") >= addressConnectionsMax) {
      return "address-connections";
    }
    return addressHandshakesMax > 0 && record.count("handshakes") >= addressHandshakesMax
      ? "address-handshakes"
      : null;
  }

  #takeRate(record: SharedAddress): "address-rate" | "none" {
    const { addressConnectsPerSecondMax: perSecond, addressConnectsBurst: burst } =
      this.#context.limits;
    return perSecond === 0 || record.take("connects", { perSecond, burst })
      ? "none"
      : "address-rate";
  }

  #refuse(reached: ReachedLimit, address: string): false {
    this.#context.stats.connectionsRefused++;
    this.#context.reportLimit(reached, address, null);
    return false;
  }

  #wake(): void {
    this.#paused?.close();
    this.#paused = null;
  }
}

/** Where a connection is counted, apart from the counts in all. */
interface HeldPlaces {
  readonly listener: SharedCount | null;
  readonly address: HeldAddress | null;
  /** That of an address which this worker counts alone. */
  readonly own: ConnectionLease | null;
}

/** A connection that all workers count. */
class SharedLease implements ConnectionLease {
  readonly #shared: SharedLimits;
  readonly #held: HeldPlaces;
  #isAuthenticated = false;

  constructor(shared: SharedLimits, held: HeldPlaces) {
    this.#shared = shared;
    this.#held = held;
  }

  onAuthenticated(): void {
    if (this.#isAuthenticated) return;
    this.#isAuthenticated = true;
    const { totals, addresses } = this.#shared;
    const { address, own } = this.#held;
    totals.handshakes.remove();
    if (address !== null) addresses.giveBack(address.handshake);
    own?.onAuthenticated();
  }

  release(): void {
    this.onAuthenticated();
    const { totals, addresses } = this.#shared;
    const { listener, address, own } = this.#held;
    totals.connections.remove();
    listener?.remove();
    if (address !== null) addresses.giveBack(address.connection);
    own?.release();
  }
}
