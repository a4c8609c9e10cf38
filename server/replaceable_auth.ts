/** An authenticator and an authorizer whose rules a reload can replace. */
import type {
  AuthenticationExchange,
  Authenticator,
  ClientInfo,
  ConnectRequest,
  Decision,
} from "../auth/authenticator.ts";
import type { Authorizer, PublishRequest, SubscribeRequest } from "../auth/authorizer.ts";
import { ReasonCode } from "../codec/mod.ts";

/**
 * Accepts clients that have an account, and anonymous ones if allowed. The accounts are set by the
 * opened listener, also while clients are connected.
 */
export class ReplaceableAccounts implements Authenticator {
  /** The accounts; `null` for none. */
  accounts: Authenticator | null = null;
  /** Whether clients without a user name are accepted. Without accounts, any user name is. */
  isAnonymousAllowed = false;

  authenticate(request: ConnectRequest): Decision | Promise<Decision> {
    const isUndecided = request.username === null || this.accounts === null;
    if (!isUndecided) return this.#ask(this.accounts!, request);
    return {
      reasonCode: this.isAnonymousAllowed ? ReasonCode.Success : ReasonCode.NotAuthorized,
    };
  }

  begin(method: string, request: ConnectRequest): AuthenticationExchange | null {
    return this.accounts?.begin?.(method, request) ?? null;
  }

  /** Whether a client may stay after a reload, as mosquitto decides it. */
  mayStay(client: ClientInfo): boolean {
    const { accounts, isAnonymousAllowed } = this;
    if (accounts === null) return isAnonymousAllowed;
    if (client.username !== null) return accounts.mayStay?.(client) ?? true;
    // An enhanced authentication may accept clients without a user name.
    return isAnonymousAllowed || accounts.begin !== undefined;
  }

  /** A wrong name and a wrong password give the same Reason Code, that of mosquitto. */
  async #ask(accounts: Authenticator, request: ConnectRequest): Promise<Decision> {
    const decision = await accounts.authenticate(request);
    if (decision.reasonCode !== ReasonCode.BadUserNameOrPassword) return decision;
    return { ...decision, reasonCode: ReasonCode.NotAuthorized };
  }
}

/** Applies rules that can be replaced while clients are connected. */
export class ReplaceableRules implements Authorizer {
  /** The rules; without them everything is allowed. Set by the opened listener. */
  rules: Authorizer | null = null;

  mayPublish(client: ClientInfo, request: PublishRequest): boolean | Promise<boolean> {
    return this.rules?.mayPublish(client, request) ?? true;
  }

  maySubscribe(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean> {
    return this.rules?.maySubscribe(client, request) ?? true;
  }

  mayUnsubscribe(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean> {
    return this.rules?.mayUnsubscribe?.(client, request) ?? true;
  }

  mayReceive(client: ClientInfo, topic: string): boolean {
    return this.rules?.mayReceive?.(client, topic) ?? true;
  }
}
