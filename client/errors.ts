/**
 * The errors of a client. An error of the caller is a `TypeError` or `RangeError`. Every other
 * error is a {@linkcode ClientError}.
 *
 * @module
 */
import { reasonText } from "../codec/mod.ts";

/** What an error has besides its message. */
export interface ClientErrorOptions extends ErrorOptions {
  /** The Reason Code of the packet that reported the error. */
  reasonCode?: number;
  /** The Reason String of that packet. */
  reasonString?: string | undefined;
}

/** A client could not do what the program asked for. */
export class ClientError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ClientError";
  /** The MQTT 5 Reason Code, also if the server uses 3.1.1; `null` if there is none. */
  readonly reasonCode: number | null;
  /** The Reason String of the server; `null` if there is none. */
  readonly reasonString: string | null;

  /** Makes an error, and adds the reason to the message. */
  constructor(message: string, options: ClientErrorOptions = {}) {
    const { reasonCode = null, reasonString = null } = options;
    const code = reasonCode === null ? "" : `: ${reasonText(reasonCode)}`;
    super(`${message}${code}${reasonString === null ? "" : `, "${reasonString}"`}`, options);
    this.reasonCode = reasonCode;
    this.reasonString = reasonString;
  }
}

/** The server could not be reached, or refused the client. */
export class ConnectError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ConnectError";
  /** Another server to use (Server Reference); `null` if the server named none. */
  readonly serverReference: string | null;

  /** Describes one attempt. */
  constructor(
    message: string,
    options: ClientErrorOptions & { serverReference?: string | undefined } = {},
  ) {
    super(message, options);
    this.serverReference = options.serverReference ?? null;
  }
}

/** The connection was lost, and the operation with it. */
export class DisconnectedError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "DisconnectedError";
}

/** A message was not published. */
export class PublishError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "PublishError";
}

/** A message was refused, because the queue is full. */
export class QueueFullError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "QueueFullError";
}

/** The server refused a filter. */
export class SubscribeError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "SubscribeError";
  /** The Reason Code of each filter, in the given order; empty if the server was not asked. */
  readonly reasonCodes: readonly number[];

  /** Describes one answer. */
  constructor(message: string, reasonCodes: readonly number[], options: ClientErrorOptions = {}) {
    super(message, options);
    this.reasonCodes = reasonCodes;
  }
}

/** Something took longer than its limit. */
export class TimeoutError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "TimeoutError";
}

/** Makes an `Error` of any thrown value. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
