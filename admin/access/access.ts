/**
 * Decides who may use the admin listener: callers with a token, accounts of the broker with a right
 * to `$CONTROL/admin`, or everyone if the operator allows it.
 *
 * @module
 */
import type { Authenticator, ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import type { Clock } from "../../broker/base/clock.ts";
import { RECORD_BYTES } from "../../broker/base/memory_costs.ts";
import { addressKey } from "../../broker/limits/address_prefix.ts";
import { LruTable } from "../../broker/limits/lru_table.ts";
import { TokenBucket } from "../../broker/limits/token_bucket.ts";
import { ReasonCode } from "../../codec/mod.ts";
import { RequestError } from "../http/request_error.ts";
import type { Caller, Scope } from "./caller.ts";
import type { TokenFile } from "./token_file.ts";

/** The topic that an account needs a right to: receive to read, publish to change. */
const ADMIN_TOPIC = "$CONTROL/admin";
/** Failed logins of an address that are answered at once, and the rate after that, per second. */
const FAILURES_MAX = 10;
const FAILURES_PER_SECOND = 0.2;
/** The maximum number of addresses whose failures are counted. */
const ADDRESSES_MAX = 10_000;
/** The text that a browser shows when it asks for a login. */
const CHALLENGE = 'Basic realm="Fairway", charset="UTF-8"';

/** The ways in which callers are authenticated. */
export interface AccessOptions {
  /** Tokens; `null` for none. */
  readonly tokens: TokenFile | null;
  /** The accounts of the broker; `null` for none. */
  readonly accounts: Authenticator | null;
  /** The rights of the accounts; without it, no account has a right to {@linkcode ADMIN_TOPIC}. */
  readonly rules: Authorizer | null;
  /** Whether everyone is allowed everything. */
  readonly allowAnonymous: boolean;
}

/** Authenticates callers. */
export class Access {
  /** Requests that were refused with 401. */
  refused = 0;
  readonly #clock: Clock;
  readonly #failures: LruTable<TokenBucket>;
  #options: AccessOptions;

  constructor(options: AccessOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#failures = new LruTable(
      ADDRESSES_MAX,
      RECORD_BYTES,
      () => new TokenBucket(FAILURES_PER_SECOND, FAILURES_MAX, clock.now()),
    );
  }

  /** Changes the tokens and accounts. */
  change(options: AccessOptions): void {
    this.#options = options;
  }

  /**
   * Authenticates the sender of a request.
   *
   * @throws {RequestError} 401 if the credentials are missing or wrong, 429 if too many logins have
   * failed.
   */
  async callerOf(headers: Headers, address: string): Promise<Caller> {
    const given = headers.get("authorization");
    if (given === null && this.#options.allowAnonymous) {
      return { name: "", scope: "write", address };
    }
    const failures = this.#failures.get(addressKey(address) ?? address);
    if (given !== null && failures.tokens(this.#clock.now()) < 1) {
      throw new RequestError(429, "Too many logins have failed", null, { "retry-after": "5" });
    }
    const caller = given === null ? null : await this.#known(given, address);
    if (caller !== null) return caller;
    this.refused++;
    if (given !== null) failures.spend(1, this.#clock.now());
    const text = given === null ? "A token is missing" : "The token or the password is not known";
    throw new RequestError(401, text, null, { "www-authenticate": CHALLENGE });
  }

  async #known(given: string, address: string): Promise<Caller | null> {
    const [, scheme = "", credentials = ""] = /^(\S+) +(\S+) *$/.exec(given) ?? [];
    switch (scheme.toLowerCase()) {
      case "bearer":
        return await this.#byToken(credentials, null, address);
      case "basic": {
        const [, username, password] = basicOf(credentials) ?? [];
        if (username === undefined || password === undefined) return null;
        // A login with a name and a password may also be a token.
        return await this.#byToken(password, username, address) ??
          await this.#byAccount(username, password, address);
      }
      default:
        return null;
    }
  }

  async #byToken(token: string, name: string | null, address: string): Promise<Caller | null> {
    const entry = await this.#options.tokens?.find(token) ?? null;
    if (entry === null || (name !== null && name !== entry.name)) return null;
    return { name: entry.name, scope: entry.scope, address };
  }

  async #byAccount(username: string, password: string, address: string): Promise<Caller | null> {
    const { accounts, rules } = this.#options;
    if (accounts === null || rules === null) return null;
    const client: ClientInfo = { clientId: "admin", username, address, protocolVersion: 5 };
    const decision = await accounts.authenticate({
      ...client,
      password: new TextEncoder().encode(password),
      userProperties: [],
    });
    if (decision.reasonCode !== ReasonCode.Success) return null;
    const known = { ...client, username: decision.username ?? username };
    const scope = await scopeOf(known, rules, decision.authorizer ?? null);
    return { name: known.username, scope, address };
  }
}

/** The scope of an account: both its own authorizer, if it has one, and the rules must allow it. */
async function scopeOf(
  client: ClientInfo,
  rules: Authorizer,
  own: Authorizer | null,
): Promise<Scope | null> {
  const all = own === null ? [rules] : [rules, own];
  const mayAll = async (may: (one: Authorizer) => boolean | Promise<boolean>) => {
    for (const one of all) if (await may(one) !== true) return false;
    return true;
  };
  const publish = { topic: ADMIN_TOPIC, qos: 0, retain: false, will: false } as const;
  if (await mayAll((one) => one.mayPublish(client, publish))) return "write";
  const subscribe = { filter: ADMIN_TOPIC, qos: 0, group: null } as const;
  const mayRead = await mayAll(async (one) =>
    await one.maySubscribe(client, subscribe) && (one.mayReceive?.(client, ADMIN_TOPIC) ?? true)
  );
  return mayRead ? "read" : null;
}

function basicOf(credentials: string): [string, string, string] | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.fromBase64(credentials),
    );
    const colon = text.indexOf(":");
    return colon < 0 ? null : [text, text.slice(0, colon), text.slice(colon + 1)];
  } catch {
    return null;
  }
}
