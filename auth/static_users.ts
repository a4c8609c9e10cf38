/** Authenticators with a fixed list of users, with anonymous clients, or without them. */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { ReasonCode } from "../codec/mod.ts";
import { mapKey } from "../router/map_key.ts";
import type { Authenticator, ConnectRequest } from "./authenticator.ts";

/**
 * Accepts a client that gives neither user name nor password.
 *
 * Put it last in a chain. Alone, it makes a broker without accounts.
 */
export const allowAnonymous: Authenticator = {
  mayStay: ({ username }) => username === null,
  authenticate: ({ username, password }) => ({
    reasonCode: username === null && password === null
      ? ReasonCode.Success
      : ReasonCode.BadUserNameOrPassword,
  }),
};

/** Refuses a client without a user name, and knows no other client. Put it first in a chain. */
export const denyAnonymous: Authenticator = {
  mayStay: () => false,
  authenticate: ({ username }) => ({
    reasonCode: username === null ? ReasonCode.NotAuthorized : ReasonCode.BadUserNameOrPassword,
  }),
};

/**
 * Accepts the given users, each with a plain password. It is for tests, and for programs that get
 * passwords from a safe place.
 *
 * The time of a check reveals neither whether a user exists nor how much of the password is right.
 *
 * @param users The password of each user.
 *
 * @example Two users
 * ```ts
 * import { Broker } from "@fairway/mqtt";
 * import { staticUsers } from "@fairway/mqtt/auth";
 *
 * const users = { ann: crypto.randomUUID(), bob: crypto.randomUUID() };
 * await using broker = new Broker({ authenticator: staticUsers(users) });
 * ```
 */
export function staticUsers(users: Readonly<Record<string, string>>): Authenticator {
  const key = randomBytes(32);
  const digest = (password: string | Uint8Array) =>
    createHmac("sha256", key).update(password).digest();
  const digests = new Map(
    Object.entries(users).map(([user, password]) => [mapKey(user), digest(password)]),
  );
  /** The digest that unknown users are compared with. No password has it. */
  const decoy = Buffer.from(randomBytes(32));
  return {
    mayStay: ({ username }) => username !== null && digests.has(mapKey(username)),
    authenticate({ username, password }: ConnectRequest) {
      const wanted = (username === null ? undefined : digests.get(mapKey(username))) ?? decoy;
      const isRight = timingSafeEqual(digest(password ?? new Uint8Array()), wanted);
      const isKnown = isRight && wanted !== decoy && password !== null;
      return { reasonCode: isKnown ? ReasonCode.Success : ReasonCode.BadUserNameOrPassword };
    },
  };
}
