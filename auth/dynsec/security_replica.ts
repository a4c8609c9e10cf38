/** The accounts of dynamic security on a node that does not execute their commands. */
import type { Authenticator, ClientInfo } from "../authenticator.ts";
import type { Authorizer } from "../authorizer.ts";
import { AccountLogin } from "./account_login.ts";
import { AccountRules } from "./account_rules.ts";
import { Accounts } from "./accounts.ts";
import { Answers, refusal } from "./commands.ts";
import type { AffectedClients } from "./command.ts";
import { Enforcement, type EnforcementHost } from "./enforcement.ts";
import { type AccountRow, applyRow, keyOf } from "./rows.ts";
import type { SecurityHost } from "./security_host.ts";
import { CONTROL_TOPIC, RESPONSE_TOPIC, type SecurityInEffect } from "./security_in_effect.ts";
import type { ConnectedUser } from "./security_peers.ts";

/** The answer to commands that cannot be passed on. */
const AWAY = "The accounts cannot be changed now: try again later";

/** What a replica needs of its broker, and of the node that owns the accounts. */
export interface ReplicaHost
  extends EnforcementHost, Pick<SecurityHost, "publish" | "onAccessChanged"> {
  /**
   * Has the owner execute the commands of a message, and publish the answers.
   *
   * @returns Whether it has done so.
   */
  execute(client: ClientInfo, payload: Uint8Array): Promise<boolean>;
}

/**
 * A copy of the accounts, which decides about the clients of its node. It passes commands to the
 * owner of the accounts, which has every replica take a change before it answers.
 */
export class SecurityReplica implements SecurityInEffect {
  readonly topic: string = CONTROL_TOPIC;
  readonly authenticator: Authenticator;
  readonly #accounts = new Accounts();
  readonly #host: ReplicaHost;
  readonly #enforcement: Enforcement;
  /** Records that were here before a copy, and have not come with it yet. */
  #stale: Set<string> | null = null;
  #isStopped = false;

  constructor(host: ReplicaHost) {
    this.#host = host;
    this.#enforcement = new Enforcement(host);
    this.authenticator = new AccountLogin(this.#accounts);
  }

  authorizer(others: Authorizer | null = null): Authorizer {
    return new AccountRules(this.#accounts, others);
  }

  /** Has the owner execute the commands of a message. It never rejects. */
  async handle(client: ClientInfo, payload: Uint8Array): Promise<void> {
    if (this.#isStopped || await this.#host.execute(client, payload) || this.#isStopped) return;
    const answers = new Answers();
    answers.add(refusal(AWAY));
    this.#host.publish(RESPONSE_TOPIC, answers.text);
  }

  /** A copy of all rows begins. Until it ends, records that are here stay in effect. */
  beginCopy(): void {
    this.#stale = new Set(this.#accounts.all().map(keyOf));
  }

  /** Takes rows: a part of a copy, or what a command has changed. */
  take(rows: readonly AccountRow[]): void {
    for (const row of rows) {
      const place = applyRow(this.#accounts, row);
      if (place !== null) this.#stale?.delete(place);
    }
    this.#accounts.keep();
    if (this.#stale === null) this.#host.onAccessChanged();
  }

  /** A copy has ended: records that have not come with it are gone. */
  async endCopy(): Promise<void> {
    for (const change of this.#accounts.all()) {
      if (this.#stale?.has(keyOf(change))) this.#accounts.remove(change);
    }
    this.#stale = null;
    this.#accounts.keep();
    this.#host.onAccessChanged();
    await this.enforce({ usernames: new Set(), isAnonymous: false });
  }

  /** Applies changed permissions to the clients of this node. It never rejects. */
  async enforce(affected: AffectedClients): Promise<void> {
    try {
      if (!this.#isStopped) await this.#enforcement.run(affected);
    } catch (error) {
      this.#host.onFailed(error);
    }
  }

  /** The connected clients with a user name, or with any if it is `null`. */
  clients(wanted: string | null): ConnectedUser[] {
    const found: ConnectedUser[] = [];
    for (const { username, address } of this.#host.clients()) {
      if (username !== null && (wanted ?? username) === username) found.push([username, address]);
    }
    return found;
  }

  stop(): void {
    this.#isStopped = true;
  }

  close(): Promise<void> {
    this.stop();
    return Promise.resolve();
  }
}
