/** Dynamic security of a broker. */
import type { SecurityPeers } from "../auth/dynsec/security_peers.ts";
import { type ReplicaHost, SecurityReplica } from "../auth/dynsec/security_replica.ts";
import { DynamicSecurity } from "../auth/dynsec/dynamic_security.ts";
import type { AccountChange, SecurityHost } from "../auth/dynsec/security_host.ts";
import type { ClientInfo } from "../auth/authenticator.ts";
import type { AccountStore } from "../auth/dynsec/rows.ts";
import type { Broker } from "../broker/broker.ts";
import { ReasonCode } from "../codec/mod.ts";

/** The reason string for a client that is disconnected because of a command. */
const CHANGED_REASON = "What this client may do has changed";

/** How dynamic security is opened. */
export interface DynamicSecurityOptions {
  /** The store of the accounts; by default that of the broker, or memory without one. */
  readonly store?: AccountStore;
  /** Called after each command that has changed something, for a log. */
  readonly changed?: (change: AccountChange) => void;
  /**
   * The other nodes of the broker, which have replicas of the accounts; none by default.
   *
   * @internal
   */
  readonly peers?: SecurityPeers;
}

/**
 * Opens the accounts, groups and roles of a broker, which administrators change with the commands
 * of mosquitto's dynamic security on the topic `$CONTROL/dynamic-security/v1`.
 *
 * The result goes into the rules of a listener: its `authenticator`, its `authorizer()`, and itself
 * as `control`. Stop it before the broker is closed, and close it afterwards.
 *
 * @example Accounts from a file of mosquitto
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { openDynamicSecurity } from "@fairway/mqtt/admin";
 *
 * const broker = new Broker();
 * const security = await openDynamicSecurity(broker);
 * if (security.isNew) await security.import(`{ "clients": [], "roles": [] }`);
 * const { authenticator } = security;
 * const rules = { authenticator, authorizer: security.authorizer(), control: security };
 * await broker.listen({ port: 0, policy: broker.listenerPolicy(rules) });
 * security.stop();
 * await broker.close();
 * await security.close();
 * ```
 *
 * @throws If the accounts cannot be read.
 */
export function openDynamicSecurity(
  broker: Broker,
  options: DynamicSecurityOptions = {},
): Promise<DynamicSecurity> {
  return DynamicSecurity.open(new BrokerSecurityHost(broker, options));
}

/**
 * Opens a replica of the accounts, for a broker that is one of several nodes. It is empty at first.
 *
 * @param execute Has the owner execute the commands of a message. Returns whether it has done so.
 */
export function followDynamicSecurity(
  broker: Broker,
  execute: ReplicaHost["execute"],
): SecurityReplica {
  return new SecurityReplica(Object.assign(new BrokerSecurityHost(broker, {}), { execute }));
}

/** The broker, as dynamic security needs it. */
class BrokerSecurityHost implements SecurityHost {
  readonly store: AccountStore | null;
  readonly peers: SecurityPeers | null;
  readonly #broker: Broker;
  readonly #onChanged: (change: AccountChange) => void;

  constructor(broker: Broker, { store, changed = () => {}, peers }: DynamicSecurityOptions) {
    this.store = store ?? broker.inspection.accountRows;
    this.peers = peers ?? null;
    this.#broker = broker;
    this.#onChanged = changed;
  }

  now(): number {
    return this.#broker.clock.now();
  }

  wait(ms: number): Promise<void> {
    const { clock } = this.#broker;
    return new Promise((resolve) => {
      clock.schedule(clock.now() + ms, resolve);
    });
  }

  nextTurn(): Promise<void> {
    return this.#broker.inspection.nextTurn();
  }

  *clients(): Generator<ClientInfo, void, void> {
    for (const { connection } of this.#broker.inspection.sessions()) {
      if (connection !== null) yield connection.client;
    }
  }

  disconnect(clientId: string): void {
    const session = this.#broker.inspection.session(clientId);
    session?.disconnect(ReasonCode.AdministrativeAction, CHANGED_REASON);
  }

  publish(topic: string, text: string): void {
    // The answer must not wait for slow subscribers of its topic.
    this.#broker.publish(topic, text).catch((error) => this.onFailed(error));
  }

  onAccessChanged(): void {
    this.#broker.inspection.onAccessChanged();
  }

  reauthorize(): Promise<number> {
    return this.#broker.reauthorize();
  }

  onAccountChanged(change: AccountChange): void {
    this.#onChanged(change);
  }

  onFailed(error: unknown): void {
    this.#broker.inspection.reportError(error);
  }
}
