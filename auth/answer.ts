import type {
  AuthenticationExchange,
  AuthenticationStep,
  Decision,
  Grant,
} from "./authenticator.ts";

const KINDS: readonly unknown[] = ["continue", "success", "failure"];

/**
 * What an authenticator has decided, as it must be: programs in JavaScript return what they like,
 * and a `true` that is taken for a yes would let in whoever a mistake lets in.
 *
 * @throws {TypeError} If it is no decision; the message says what would be one.
 */
export function decisionOf(value: unknown): Decision {
  const isDecision = isObject(value) && isCode(value.reasonCode) && isGrant(value);
  if (isDecision) return value as unknown as Decision;
  throw new TypeError(
    `authenticate() must return { reasonCode: 0 } to let a client in, or { reasonCode: 0x87 } not ` +
      `to, with what else a Decision has, not ${shown(value)}`,
  );
}

/**
 * What an exchange has answered, as it must be.
 *
 * @throws {TypeError} If it is no step; the message says what would be one.
 */
export function stepOf(value: unknown): AuthenticationStep {
  const isStep = isObject(value) && KINDS.includes(value.kind) && isGrant(value) &&
    (value.kind !== "failure" || isCode(value.reasonCode)) &&
    (value.kind === "failure" || value.data === undefined || value.data instanceof Uint8Array);
  if (isStep) return value as unknown as AuthenticationStep;
  throw new TypeError(
    `next() must return { kind: "continue" }, { kind: "success" } or ` +
      `{ kind: "failure", reasonCode: 0x87 }, not ${shown(value)}`,
  );
}

/**
 * What an authenticator has begun, as it must be.
 *
 * @throws {TypeError} If it is no exchange, and not `null` either.
 */
export function exchangeOf(value: unknown): AuthenticationExchange | null {
  if (value === undefined || value === null) return null;
  if (isObject(value) && typeof value.next === "function") {
    return value as unknown as AuthenticationExchange;
  }
  throw new TypeError(`begin() must return { next(data) { … } } or null, not ${shown(value)}`);
}

/**
 * Whether something is allowed, as an authorizer says it.
 *
 * @param method What was asked, such as `mayPublish`.
 * @param value Its answer, or a promise of it.
 * @throws {TypeError} If it is no boolean; a promise rejects with that.
 */
export function permissionOf(method: string, value: unknown): boolean | Promise<boolean> {
  if (typeof value === "boolean") return value;
  if (isObject(value) && typeof value.then === "function") {
    return Promise.resolve(value as unknown as PromiseLike<unknown>).then((later) =>
      permissionNow(method, later)
    );
  }
  return permissionNow(method, value);
}

/**
 * Whether something is allowed, as an authorizer says it at once.
 *
 * @throws {TypeError} If it is no boolean.
 */
export function permissionNow(method: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`${method}() must return true or false, not ${shown(value)}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A byte; one that CONNACK cannot carry is no yes either, and is sent as 0x80. */
function isCode(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xff;
}

function isGrant(value: Partial<Record<keyof Grant, unknown>>): boolean {
  const { username, expiresAtMs, authorizer } = value;
  return (username === undefined || typeof username === "string") &&
    (expiresAtMs === undefined || typeof expiresAtMs === "number") &&
    (authorizer === undefined || isObject(authorizer));
}

/** What a value is, without what is in it: that may be secret. */
function shown(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "number") return `${value}`;
  if (typeof value !== "object") return typeof value;
  return Array.isArray(value)
    ? "an array"
    : `an object with ${Object.keys(value).join(", ") || "nothing"}`;
}
