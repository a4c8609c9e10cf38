/** The authorizer of dynamic security: what the roles of an account allow. */
import type { ClientInfo } from "../authenticator.ts";
import type { Authorizer, PublishRequest, SubscribeRequest } from "../authorizer.ts";
import { decide } from "./access.ts";
import type { Accounts } from "./accounts.ts";

/**
 * Allows what the roles of an account allow. Other rules decide where no role does; without any, it
 * is refused.
 */
export class AccountRules implements Authorizer {
  readonly #accounts: Accounts;
  readonly #others: Authorizer | null;

  /** @param others The rules for clients without an account, and where no ACL matches. */
  constructor(accounts: Accounts, others: Authorizer | null = null) {
    this.#accounts = accounts;
    this.#others = others;
  }

  mayPublish(client: ClientInfo, request: PublishRequest): boolean | Promise<boolean> {
    return decide(this.#accounts, client, "publishClientSend", request.topic) ??
      this.#others?.mayPublish(client, request) ?? false;
  }

  maySubscribe(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean> {
    return decide(this.#accounts, client, "subscribe", request.filter) ??
      this.#others?.maySubscribe(client, request) ?? false;
  }

  mayUnsubscribe(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean> {
    return decide(this.#accounts, client, "unsubscribe", request.filter) ??
      (this.#others === null ? false : this.#others.mayUnsubscribe?.(client, request) ?? true);
  }

  mayReceive(client: ClientInfo, topic: string): boolean {
    return decide(this.#accounts, client, "publishClientReceive", topic) ??
      (this.#others === null ? false : this.#others.mayReceive?.(client, topic) ?? true);
  }
}
