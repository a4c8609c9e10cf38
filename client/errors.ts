/**
 * What can go wrong for a client. What the caller gets wrong is a `TypeError`
 * or `RangeError`; everything else is a {@linkcode ClientError}.
 *
 * @module
 */
import { reasonText } from "../codec/mod.ts";

/** What an error knows beside its message. */
export interface ClientErrorOptions extends ErrorOptions {
  /** The reason code of the packet that brought the bad news. */
  reasonCode?: number;
  /** The reason string of that packet. */
  reasonString?: string | undefined;
}

/** Anything that keeps a client from doing what it was asked for. */
export class ClientError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ClientError";
  /** The MQTT 5 reason code, also where the server speaks 3.1.1; `null` if there is none. */
  readonly reasonCode: number | null;
  /** What the server said for people to read; `null` if it said nothing. */
  readonly reasonString: string | null;

  /** Adds the reason to the message. */
  constructor(message: string, options: ClientErrorOptions = {}) {
    const { reasonCode = null, reasonString = null } = options;
    const code = reasonCode === null ? "" : `: ${reasonText(reasonCode)}`;
    super(`${message}${code}${reasonString === null ? "" : `, "${reasonString}"`}`, options);
    this.reasonCode = reasonCode;
    this.reasonString = reasonString;
  }
}

/** The server could not be reached, or did not let the client in. */
export class ConnectError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ConnectError";
  /** Another server to use, if this one named it. */
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

/** The connection is gone, and with it what was asked for. */
export class DisconnectedError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "DisconnectedError";
}

/** A message was not published. */
export class PublishError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "PublishError";
}

/** A message was refused, because as many wait as may wait. */
export class QueueFullError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "QueueFullError";
}

/** The server refused a filter. */
export class SubscribeError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "SubscribeError";
  /** The reason code of each filter, in the order given; empty if the server was not asked. */
  readonly reasonCodes: readonly number[];

  /** Describes one answer. */
  constructor(message: string, reasonCodes: readonly number[], options: ClientErrorOptions = {}) {
    super(message, options);
    this.reasonCodes = reasonCodes;
  }
}

/** Something took longer than it may. */
export class TimeoutError extends ClientError {
  /** The name of the class, as logs show it. */
  override readonly name: string = "TimeoutError";
}

/** Makes an error of whatever was thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
