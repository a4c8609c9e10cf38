/** Reads the answers of an HTTP service about logins and permissions. */
import { ReasonCode } from "../codec/mod.ts";
import type { Decision } from "./authenticator.ts";
import { ServiceError, type TextAnswer } from "./fetch_text.ts";
import { TopicAcl } from "./topic_acl.ts";

/** The JSON answer of a service. */
interface AnswerFields {
  readonly allow: boolean;
  readonly username?: string;
  readonly acl?: unknown;
  readonly expiresAt?: number;
}

/**
 * Reads whether a client may do something: 200 with `{"allow": …}`, 204 to allow, 401 and 403 to
 * deny.
 *
 * @throws {ServiceError} If it is anything else.
 */
export function permissionOf({ status, text }: TextAnswer): boolean {
  if (status === 204) return true;
  if (status === 401 || status === 403) return false;
  return fieldsOf(status, text).allow;
}

/**
 * Reads whether a client may connect, and what it is granted. 401 means that the client is not
 * known; 403 and `{"allow": false}` refuse it.
 *
 * @throws {ServiceError} If it is anything else.
 */
export function decisionOf({ status, text }: TextAnswer): Decision {
  if (status === 204) return { reasonCode: ReasonCode.Success };
  if (status === 401) return { reasonCode: ReasonCode.BadUserNameOrPassword };
  if (status === 403) return { reasonCode: ReasonCode.NotAuthorized };
  const { allow, username, acl, expiresAt } = fieldsOf(status, text);
  if (!allow) return { reasonCode: ReasonCode.NotAuthorized };
  return {
    reasonCode: ReasonCode.Success,
    ...username !== undefined && { username },
    ...expiresAt !== undefined && { expiresAtMs: 1000 * expiresAt },
    ...acl !== undefined && { authorizer: aclOf(acl) },
  };
}

function fieldsOf(status: number, text: string): AnswerFields {
  if (status !== 200) throw new ServiceError(`the answer has status ${status}`);
  const fields = parse(text);
  const { allow, username, expiresAt } = fields;
  if (typeof allow !== "boolean") {
    throw new ServiceError('the answer has no "allow", true or false');
  }
  if (username !== undefined && typeof username !== "string") {
    throw new ServiceError('the answer has a "username" that is no text');
  }
  if (expiresAt !== undefined && typeof expiresAt !== "number") {
    throw new ServiceError('the answer has an "expiresAt" that is no number');
  }
  return fields as unknown as AnswerFields;
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without the cause, which quotes the answer: that may contain a secret.
    throw new ServiceError("the answer is no JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ServiceError("the answer is no object");
}

function aclOf(value: unknown): TopicAcl {
  try {
    return new TopicAcl(value);
  } catch (error) {
    throw new ServiceError(`the answer cannot be used: ${(error as Error).message}`);
  }
}
