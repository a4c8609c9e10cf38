import { Receipt } from "../../log/receipt.ts";
import { mapKey } from "../../router/map_key.ts";
import { WideMap } from "../../router/wide_map.ts";
import { addressKey } from "./address_prefix.ts";
import type { BrokerContext } from "../base/context.ts";
import { RECORD_BYTES } from "../base/memory_costs.ts";
import { LruTable } from "./lru_table.ts";
import { Deadline } from "../base/scheduler.ts";
import { LimitSnapshot } from "./limit_snapshot.ts";
import { TokenBucket } from "./token_bucket.ts";

/** What an address has open. */
interface Presence {
  /** The `mapKey()` it is kept under. */
  readonly key: string;
  connections: number;
  handshakes: number;
}

/**
 * Counts connections by where they come from, and how many are not let in yet: one address must not
 * take up the room of the others, and whoever has not said who it is must not take up all of it.
 *
 * The decision is made before anything is read, so it costs neither a TLS handshake nor a CONNECT.
 * This machine itself is not counted.
 */
export class ConnectionLimiter {
  readonly #context: BrokerContext;
  /** Who has connections, by the `mapKey()` of its key: never more than there are connections. */
  readonly #present = new WideMap<Presence>();
  #rates: LruTable<TokenBucket> | null = null;
  #rate: TokenBucket | null = null;
  /** The limits that the rates were made of. */
  readonly #made = new LimitSnapshot(
    "addressConnectsPerSecondMax",
    "addressConnectsBurst",
    "connectsPerSecondMax",
    "addressesMax",
  );
  #handshakes = 0;
  #room: Receipt | null = null;
  #token: Receipt | null = null;
  readonly #tokenDue = new Deadline(() => {
    this.#token?.close();
    this.#token = null;
  });

  constructor(context: BrokerContext) {
    this.#context = context;
    this.applyLimits();
  }

  /** Goes by limits that have changed: rates begin anew, and who waits to accept looks again. */
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

  /** What is remembered of addresses that have gone costs so much in memory, in bytes. */
  get bytes(): number {
    return this.#rates?.bytes ?? 0;
  }

  /** Has it cost so many bytes at most. */
  limitBytes(bytesMax: number): void {
    this.#rates?.limitBytes(bytesMax);
  }

  /** Connections that were not let in yet. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /** What has to be waited for before the next accept, or `null`. */
  wait(): Receipt | null {
    const { limits, scheduler, clock } = this.#context;
    if (limits.handshakesMax > 0 && this.#handshakes >= limits.handshakesMax) {
      if (this.#room === null) this.#context.limited("handshakes", null, null);
      return this.#room ??= new Receipt();
    }
    const now = clock.now();
    if (this.#rate === null || this.#rate.tokens(now) >= 1) return null;
    if (this.#token === null) this.#context.limited("connect-rate", null, null);
    this.#token ??= new Receipt();
    scheduler.set(this.#tokenDue, this.#rate.readyMs(now));
    return this.#token;
  }

  /** Whether a connection from an address may be taken; asked once for each. */
  mayConnect(address: string): boolean {
    const { limits, clock } = this.#context;
    const now = clock.now();
    this.#rate?.spend(1, now);
    const key = addressKey(address);
    if (key === null) return true;
    const { addressConnectionsMax, addressHandshakesMax } = limits;
    const presence = this.#present.get(mapKey(key));
    if (addressConnectionsMax > 0 && (presence?.connections ?? 0) >= addressConnectionsMax) {
      return this.#refuse("address-connections", address);
    }
    if (addressHandshakesMax > 0 && (presence?.handshakes ?? 0) >= addressHandshakesMax) {
      return this.#refuse("address-handshakes", address);
    }
    if (this.#rates?.get(key).take(now) === false) return this.#refuse("address-rate", address);
    return true;
  }

  /** A connection is taken. */
  acquire(address: string): ConnectionLease {
    const key = addressKey(address);
    const presence = key === null ? null : this.#presenceOf(mapKey(key));
    this.#handshakes++;
    if (presence !== null) {
      presence.connections++;
      presence.handshakes++;
    }
    return new ConnectionLease(this, presence);
  }

  /** A handshake is over, one way or the other: for visits. */
  handshakeEnded(presence: Presence | null): void {
    this.#handshakes--;
    if (presence !== null) presence.handshakes--;
    this.#wakeRoom();
  }

  /** A connection is over: for visits. */
  left(presence: Presence): void {
    if (--presence.connections === 0) this.#present.delete(presence.key);
  }

  /** Wakes whoever waits to accept, to look again whether it may. */
  close(): void {
    this.#wakeRoom();
    this.#context.scheduler.clear(this.#tokenDue);
    this.#token?.close();
    this.#token = null;
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
    this.#context.limited(reason, address, null);
    return false;
  }

  #wakeRoom(): void {
    this.#room?.close();
    this.#room = null;
  }
}

/** A connection as the limiter sees it: not let in yet, let in, gone. */
export class ConnectionLease {
  readonly #limiter: ConnectionLimiter;
  readonly #presence: Presence | null;
  #isAuthenticated = false;

  /** Made by the limiter. */
  constructor(limiter: ConnectionLimiter, presence: Presence | null) {
    this.#limiter = limiter;
    this.#presence = presence;
  }

  /** The client was let in. */
  authenticated(): void {
    if (this.#isAuthenticated) return;
    this.#isAuthenticated = true;
    this.#limiter.handshakeEnded(this.#presence);
  }

  /** The connection is no more; said once. */
  release(): void {
    this.authenticated();
    if (this.#presence !== null) this.#limiter.left(this.#presence);
  }
}
