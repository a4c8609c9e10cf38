import { decisionOf } from "./answer.ts";
import { ReasonCode } from "../codec/mod.ts";
import type {
  Authenticator,
  ClientInfo,
  ConnectRequest,
  Decision,
  Grant,
} from "./authenticator.ts";
import type { Authorizer } from "./authorizer.ts";

/**
 * Asks several authenticators in turn, until one decides.
 *
 * To refuse with `BadUserNameOrPassword` is to say "I do not know them", and
 * the next one is asked. Everything else decides: to let the client in, and
 * every other refusal, so that one that cannot be reached is not passed over.
 *
 * An enhanced authentication is the first one's that knows the method.
 *
 * @throws {TypeError} If there is none to ask.
 */
export function firstAuthenticator(...authenticators: readonly Authenticator[]): Authenticator {
  checkSome(authenticators);
  return {
    // Whom one of them might have let in, and says no word on, stays.
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
 * Asks several authenticators in turn; all of them must let the client in. It
 * gets the least of what they grant: the first expiry, and what every
 * authorizer allows. If they name it, they must agree on the name.
 *
 * It knows no enhanced authentication: no client can go through two at once.
 *
 * @throws {TypeError} If there is none to ask.
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

/** What both grant. */
function least(one: Grant, other: Grant): Grant {
  const username = one.username ?? other.username;
  const expiresAtMs = Math.min(one.expiresAtMs ?? Infinity, other.expiresAtMs ?? Infinity);
  const authorizers = [one.authorizer, other.authorizer].filter((one) => one !== undefined);
  return {
    ...username !== undefined && { username },
    // What is no number stays none: it has expired, and must not be lost here.
    ...expiresAtMs !== Infinity && { expiresAtMs },
    ...authorizers.length > 0 && { authorizer: everyAuthorizer(...authorizers) },
  };
}

/**
 * Asks several authorizers in turn; all must allow.
 *
 * @throws {TypeError} If there is none to ask.
 */
export function everyAuthorizer(...authorizers: readonly Authorizer[]): Authorizer {
  return inTurn(authorizers, false);
}

/**
 * Asks several authorizers in turn; it is enough that one allows.
 *
 * @throws {TypeError} If there is none to ask.
 */
export function anyAuthorizer(...authorizers: readonly Authorizer[]): Authorizer {
  return inTurn(authorizers, true);
}

/** @param last The answer after which no more are asked. */
function inTurn(authorizers: readonly Authorizer[], last: boolean): Authorizer {
  checkSome(authorizers);
  if (authorizers.length === 1) return authorizers[0]!;
  const receiving = authorizers.filter((authorizer) => authorizer.mayReceive !== undefined);
  // One that has no word on deliveries allows them all.
  const asksDelivery = last ? receiving.length === authorizers.length : receiving.length > 0;
  return {
    ...asksDelivery && {
      mayReceive: (client: ClientInfo, topic: string) => {
        const answers = (authorizer: Authorizer) => authorizer.mayReceive!(client, topic);
        return last ? receiving.some(answers) : receiving.every(answers);
      },
    },
    mayPublish: (client, request) =>
      ask(authorizers, last, (authorizer) => authorizer.mayPublish(client, request)),
    maySubscribe: (client, request) =>
      ask(authorizers, last, (authorizer) => authorizer.maySubscribe(client, request)),
  };
}

/** Makes no promise unless an authorizer does: this is asked for every message. */
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
