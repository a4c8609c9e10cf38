/** Limits connections and handshakes, per address and in total. */
import { Receipt } from "../../log/receipt.ts";
import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";
import { hostOf } from "../../transport/cidr.ts";
import { addressKey } from "./address_prefix.ts";
import type { BrokerContext } from "../base/context.ts";
import {
  type AdmissionPolicy,
  type ConnectionAdmission,
  type ConnectionLease,
  SPARE_HANDSHAKES,
} from "./connection_admission.ts";
import { RECORD_BYTES } from "../base/memory_costs.ts";
import { LruTable } from "./lru_table.ts";
import { Deadline } from "../base/scheduler.ts";
import { LimitSnapshot } from "./limit_snapshot.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The open connections of an address. */
interface Presence {
  /** The `mapKey()` of its table entry. */
  readonly key: string;
  connections: number;
  handshakes: number;
}

/**
 * Limits connections and handshakes, per address and in total: one address must not use all of the
 * capacity, and connections without an accepted CONNECT must not either.
 *
 * It decides before anything is read, so a refusal costs neither a TLS handshake nor a CONNECT.
 * Connections from this machine itself are not counted.
 */
export class ConnectionLimiter implements ConnectionAdmission {
  readonly #context: BrokerContext;
  readonly #connections: { readonly size: number };
  /**
   * Addresses with connections, by the `mapKey()` of their keys. Never more entries than
   * connections.
   */
  readonly #present = new WideMap<Presence>();
  #rates: LruTable<TokenBucket> | null = null;
  #rate: TokenBucket | null = null;
  /** The limits from which the rates were made. */
  readonly #made = new LimitSnapshot(
    "addressConnectsPerSecondMax",
    "addressConnectsBurst",
    "connectsPerSecondMax",
    "addressesMax",
  );
  #handshakes = 0;
  /** The host that was asked about last, and its key: each is asked about twice, or more. */
  #host = "";
  #key: string | null = null;
  #room: Receipt | null = null;
  #token: Receipt | null = null;
  readonly #tokenDue = new Deadline(() => {
    this.#token?.close();
    this.#token = null;
  });

  /** @param connections All connections, also those of other nodes. */
  constructor(context: BrokerContext, connections: { readonly size: number } = { size: 0 }) {
    this.#context = context;
    this.#connections = connections;
    this.applyLimits();
  }

  /** Applies changed limits: rates start again, and waiting acceptors check again. */
  applyLimits(): void {
    const { limits, clock } = this.#context;
    this.close();
    if (!this.#made.take(limits)) return;
    const { addressConnectsPerSecondMax, addressConnectsBurst, connectsPerSecondMax } = limits;
    this.#rates = addressConnectsPerSecondMax === 0 ? null : new LruTable(
      limits.addressesMax,
      RECORD_BYTES,
      () => new TokenBucket(addressConnectsPerSecondMax, addressConnectsBurst, clock.now()),
    );
    this.#rate = connectsPerSecondMax === 0
      ? null
      : new TokenBucket(connectsPerSecondMax, connectsPerSecondMax, clock.now());
  }

  /** The memory of the records of addresses without connections, in bytes. */
  get bytes(): number {
    return this.#rates?.bytes ?? 0;
  }

  /** Limits the memory of these records, in bytes. */
  limitBytes(bytesMax: number): void {
    this.#rates?.limitBytes(bytesMax);
  }

  /** Connections whose CONNECT was not accepted yet. */
  get handshakes(): number {
    return this.#handshakes;
  }

  get pendingMax(): number {
    return this.#context.limits.connectionsMax + SPARE_HANDSHAKES - this.#connections.size;
  }

  /** A receipt to wait for before the next accept, or `null`. */
  wait(): Receipt | null {
    const { limits, scheduler, clock } = this.#context;
    if (limits.handshakesMax > 0 && this.#handshakes >= limits.handshakesMax) {
      if (this.#room === null) this.#context.reportLimit("handshakes", null, null);
      return this.#room ??= new Receipt();
    }
    if (this.#rate === null) return null;
    const now = clock.now();
    if (this.#rate.tokens(now) >= 1) return null;
    if (this.#token === null) this.#context.reportLimit("connect-rate", null, null);
    this.#token ??= new Receipt();
    scheduler.set(this.#tokenDue, this.#rate.readyMs(now));
    return this.#token;
  }

  /** Whether a connection from an address may be accepted. Call it once per connection. */
  mayConnect(address: string): boolean {
    const { limits, clock } = this.#context;
    this.#rate?.spend(1, clock.now());
    const key = this.#keyOf(address);
    if (key === null) return true;
    const { addressConnectionsMax, addressHandshakesMax } = limits;
    const presence = this.#present.get(mapKey(key));
    if (addressConnectionsMax > 0 && (presence?.connections ?? 0) >= addressConnectionsMax) {
      return this.#refuse("address-connections", address);
    }
    if (addressHandshakesMax > 0 && (presence?.handshakes ?? 0) >= addressHandshakesMax) {
      return this.#refuse("address-handshakes", address);
    }
    if (this.#rates?.get(key).take(clock.now()) === false) {
      return this.#refuse("address-rate", address);
    }
    return true;
  }

  acquire(address: string, policy: AdmissionPolicy): ConnectionLease | "connections" {
    const { stats, limits } = this.#context;
    // Those of other nodes count apart: they must not take the places of clients.
    const isFull = stats.connections >= limits.connectionsMax;
    if (isFull || !policy.hasRoom) return "connections";
    return this.count(address);
  }

  /** Counts an accepted connection, however many there are in all. */
  count(address: string): ConnectionLease {
    const key = this.#keyOf(address);
    const presence = key === null ? null : this.#presenceOf(mapKey(key));
    this.#handshakes++;
    if (presence !== null) {
      presence.connections++;
      presence.handshakes++;
    }
    return new CountedConnection(this, presence);
  }

  /** A handshake has ended, successfully or not; called by leases. */
  onHandshakeEnded(presence: Presence | null): void {
    this.#handshakes--;
    if (presence !== null) presence.handshakes--;
    this.#wakeRoom();
  }

  /** A connection has ended; called by leases. */
  onConnectionEnded(presence: Presence): void {
    if (--presence.connections === 0) this.#present.delete(presence.key);
  }

  /** Wakes all waiting acceptors, so that they check again. */
  close(): void {
    this.#wakeRoom();
    this.#context.scheduler.clear(this.#tokenDue);
    this.#token?.close();
    this.#token = null;
  }

  #keyOf(address: string): string | null {
    const host = hostOf(address);
    if (host !== this.#host) {
      this.#host = host;
      this.#key = addressKey(address);
    }
    return this.#key;
  }

  #presenceOf(key: string): Presence {
    const known = this.#present.get(key);
    if (known !== undefined) return known;
    const presence = { key, connections: 0, handshakes: 0 };
    this.#present.set(key, presence);
    return presence;
  }

  #refuse(
    reason: "address-connections" | "address-handshakes" | "address-rate",
    address: string,
  ): false {
    this.#context.stats.connectionsRefused++;
    this.#context.reportLimit(reason, address, null);
    return false;
  }

  #wakeRoom(): void {
    this.#room?.close();
    this.#room = null;
  }
}

/** A counted connection: before its CONNECT is accepted, after it, and closed. */
class CountedConnection implements ConnectionLease {
  readonly #limiter: ConnectionLimiter;
  readonly #presence: Presence | null;
  #isAuthenticated = false;

  /** Created by the limiter. */
  constructor(limiter: ConnectionLimiter, presence: Presence | null) {
    this.#limiter = limiter;
    this.#presence = presence;
  }

  /** The CONNECT was accepted. */
  onAuthenticated(): void {
    if (this.#isAuthenticated) return;
    this.#isAuthenticated = true;
    this.#limiter.onHandshakeEnded(this.#presence);
  }

  /** The connection has ended. Call it once. */
  release(): void {
    this.onAuthenticated();
    if (this.#presence !== null) this.#limiter.onConnectionEnded(this.#presence);
  }
}
