/** Checks what authenticators and authorizers of a program return. */
import type {
  AuthenticationExchange,
  AuthenticationStep,
  Decision,
  Grant,
} from "./authenticator.ts";

const KINDS: readonly unknown[] = ["continue", "success", "failure"];

/**
 * Checks the decision of an authenticator. A program in JavaScript can return anything, and a
 * `true` that counts as acceptance would accept clients by mistake.
 *
 * @throws {TypeError} If it is not a decision. The message says what to return.
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
 * Checks the answer of an authenticator or an exchange, now or when it comes: it may be a promise,
 * or anything with a method `then`. An answer that is there costs no promise.
 *
 * @param check What checks it.
 * @throws What `check` throws. A promise rejects with it.
 */
export function answered<T>(value: unknown, check: (value: unknown) => T): T | Promise<T> {
  return isObject(value) && typeof value.then === "function"
    ? Promise.resolve(value as unknown as PromiseLike<unknown>).then(check)
    : check(value);
}

/**
 * Checks the answer of an exchange.
 *
 * @throws {TypeError} If it is not a step. The message says what to return.
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
 * Checks the exchange that an authenticator has begun.
 *
 * @throws {TypeError} If it is neither an exchange nor `null`.
 */
export function exchangeOf(value: unknown): AuthenticationExchange | null {
  if (value === undefined || value === null) return null;
  if (isObject(value) && typeof value.next === "function") {
    return value as unknown as AuthenticationExchange;
  }
  throw new TypeError(`begin() must return { next(data) { … } } or null, not ${shown(value)}`);
}

/**
 * Checks the answer of an authorizer.
 *
 * @param method The method that was called, such as `mayPublish`.
 * @param value Its answer, or a promise of it.
 * @throws {TypeError} If it is not a boolean. A promise rejects with this error.
 */
export function permissionOf(method: string, value: unknown): boolean | Promise<boolean> {
  if (typeof value === "boolean") return value;
  return answered(value, (answer) => permissionNow(method, answer));
}

/**
 * Checks the answer of an authorizer that must not be a promise.
 *
 * @throws {TypeError} If it is not a boolean.
 */
export function permissionNow(method: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`${method}() must return true or false, not ${shown(value)}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Whether it is a byte. A code that CONNACK cannot carry is a refusal too, and is sent as 0x80. */
function isCode(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xff;
}

function isGrant(value: Partial<Record<keyof Grant, unknown>>): boolean {
  const { username, expiresAtMs, authorizer } = value;
  return (username === undefined || typeof username === "string") &&
    (expiresAtMs === undefined || typeof expiresAtMs === "number") &&
    (authorizer === undefined || isObject(authorizer));
}

/** Describes a value without its content, which may be secret. */
function shown(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "number") return `${value}`;
  if (typeof value !== "object") return typeof value;
  return Array.isArray(value)
    ? "an array"
    : `an object with ${Object.keys(value).join(", ") || "nothing"}`;
}
