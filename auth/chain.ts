/** Combines several authenticators, or several authorizers, into one. */
import { decisionOf } from "./answer.ts";
import { ReasonCode } from "../codec/mod.ts";
import type {
  Authenticator,
  ClientInfo,
  ConnectRequest,
  Decision,
  Grant,
} from "./authenticator.ts";
import type { Authorizer, SubscribeRequest } from "./authorizer.ts";

/**
 * Asks several authenticators in turn, until one decides.
 *
 * A refusal with `BadUserNameOrPassword` means "this client is not known here", so the next one is
 * asked. Acceptance and every other refusal are final. So if a service is down, the authenticators
 * after it do not decide in its place.
 *
 * The first one that supports the method does an enhanced authentication.
 *
 * @throws {TypeError} If no authenticator or authorizer is given.
 */
export function firstAuthenticator(...authenticators: readonly Authenticator[]): Authenticator {
  checkSome(authenticators);
  return {
    // Without `mayStay`, an authenticator may have accepted the client, so the client stays.
    mayStay: (client) => authenticators.some((one) => one.mayStay?.(client) ?? true),
    async authenticate(request) {
      let decision: Decision | undefined;
      for (const authenticator of authenticators) {
        decision = decisionOf(await authenticator.authenticate(request));
        if (decision.reasonCode !== ReasonCode.BadUserNameOrPassword) break;
      }
      return decision!;
    },
    begin(method, request) {
      for (const authenticator of authenticators) {
        const exchange = authenticator.begin?.(method, request) ?? null;
        if (exchange !== null) return exchange;
      }
      return null;
    },
  };
}

/**
 * Asks several authenticators in turn. All must accept the client. The client gets the least of
 * what they grant: the earliest expiry, and what every authorizer allows. If several grant a user
 * name, it must be the same.
 *
 * It does not support enhanced authentication, because a client cannot do two at once.
 *
 * @throws {TypeError} If no authenticator or authorizer is given.
 */
export function everyAuthenticator(...authenticators: readonly Authenticator[]): Authenticator {
  checkSome(authenticators);
  return {
    mayStay: (client) => authenticators.every((one) => one.mayStay?.(client) ?? true),
    authenticate: (request) => askEvery(authenticators, request),
  };
}

async function askEvery(
  authenticators: readonly Authenticator[],
  request: ConnectRequest,
): Promise<Decision> {
  let granted: Grant = {};
  for (const authenticator of authenticators) {
    const decision = decisionOf(await authenticator.authenticate(request));
    if (decision.reasonCode !== ReasonCode.Success) return decision;
    const { username } = decision;
    if (username !== undefined && username !== (granted.username ?? username)) {
      return { reasonCode: ReasonCode.NotAuthorized, reasonString: "More than one user name" };
    }
    granted = least(granted, decision);
  }
  return { reasonCode: ReasonCode.Success, ...granted };
}

/** The least of two grants. */
function least(one: Grant, other: Grant): Grant {
  const username = one.username ?? other.username;
  const expiresAtMs = Math.min(one.expiresAtMs ?? Infinity, other.expiresAtMs ?? Infinity);
  const authorizers = [one.authorizer, other.authorizer].filter((one) => one !== undefined);
  return {
    ...username !== undefined && { username },
    // NaN must stay NaN: it counts as expired, and must not be lost here.
    ...expiresAtMs !== Infinity && { expiresAtMs },
    ...authorizers.length > 0 && { authorizer: everyAuthorizer(...authorizers) },
  };
}

/**
 * Asks several authorizers in turn. All must allow an action.
 *
 * @throws {TypeError} If no authenticator or authorizer is given.
 */
export function everyAuthorizer(...authorizers: readonly Authorizer[]): Authorizer {
  return inTurn(authorizers, false);
}

/**
 * Asks several authorizers in turn. One that allows an action is enough.
 *
 * @throws {TypeError} If no authenticator or authorizer is given.
 */
export function anyAuthorizer(...authorizers: readonly Authorizer[]): Authorizer {
  return inTurn(authorizers, true);
}

/** @param last The answer that ends the series. */
function inTurn(authorizers: readonly Authorizer[], last: boolean): Authorizer {
  checkSome(authorizers);
  if (authorizers.length === 1) return authorizers[0]!;
  const receiving = authorizers.filter((authorizer) => authorizer.mayReceive !== undefined);
  const ending = authorizers.filter((authorizer) => authorizer.mayUnsubscribe !== undefined);
  // An authorizer without `mayReceive` allows every delivery, and so it is with `mayUnsubscribe`.
  const asksEnd = last ? ending.length === authorizers.length : ending.length > 0;
  const asksDelivery = last ? receiving.length === authorizers.length : receiving.length > 0;
  return {
    ...asksDelivery && {
      mayReceive: (client: ClientInfo, topic: string) => {
        const answers = (authorizer: Authorizer) => authorizer.mayReceive!(client, topic);
        return last ? receiving.some(answers) : receiving.every(answers);
      },
    },
    ...asksEnd && {
      mayUnsubscribe: (client: ClientInfo, request: SubscribeRequest) =>
        ask(ending, last, (authorizer) => authorizer.mayUnsubscribe!(client, request)),
    },
    mayPublish: (client, request) =>
      ask(authorizers, last, (authorizer) => authorizer.mayPublish(client, request)),
    maySubscribe: (client, request) =>
      ask(authorizers, last, (authorizer) => authorizer.maySubscribe(client, request)),
  };
}

/** Returns a promise only if an authorizer does, because it runs for every message. */
function ask(
  authorizers: readonly Authorizer[],
  last: boolean,
  question: (authorizer: Authorizer) => boolean | Promise<boolean>,
  from = 0,
): boolean | Promise<boolean> {
  for (let at = from; at < authorizers.length; at++) {
    const answer = question(authorizers[at]!);
    if (answer === last) return last;
    if (typeof answer === "boolean") continue;
    return answer.then((answer) =>
      answer === last ? last : ask(authorizers, last, question, at + 1)
    );
  }
  return !last;
}

function checkSome(members: readonly unknown[]): void {
  if (members.length === 0) throw new TypeError("Cannot make a chain: it has no members");
}
