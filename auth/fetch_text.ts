import type { Clock } from "../transport/clock.ts";

/** Asks over HTTP: `fetch`, or something with its manners. */
export type Fetch = (url: string | URL, init: RequestInit) => Promise<Response>;

/** An answer that was read to its end. */
export interface TextAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * A service that was asked has not answered as it should.
 *
 * The message names no secret, and there is no cause: what the runtime says has
 * the whole URL.
 */
export class ServiceError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ServiceError";
}

/** A signal that comes after a while, or with another one. */
export interface Timeout {
  readonly signal: AbortSignal;
  /** Takes it back: nothing is waited for any more. */
  cancel(): void;
}

/** Gives something so many milliseconds, unless `signal` comes first. */
export function timeoutAfter(clock: Clock, timeoutMs: number, signal: AbortSignal): Timeout {
  const late = new AbortController();
  const cancel = clock.schedule(clock.now() + timeoutMs, () => late.abort());
  return { signal: AbortSignal.any([late.signal, signal]), cancel };
}

/**
 * Asks a service, and reads no more of its answer than so many bytes.
 * Redirections are not followed: what is asked may be a secret.
 *
 * @throws {ServiceError} If there is no whole answer before `signal` comes.
 */
export async function fetchText(
  fetcher: Fetch,
  url: URL,
  init: RequestInit & { readonly signal: AbortSignal },
  bytesMax: number,
): Promise<TextAnswer> {
  try {
    const response = await fetcher(url, { ...init, redirect: "manual" });
    return { status: response.status, text: await readText(response, bytesMax) };
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError(init.signal.aborted ? "no answer in time" : "no whole answer");
  }
}

/** A URL without what may be a secret. */
export function placeOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

async function readText(response: Response, bytesMax: number): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > bytesMax) {
      await reader.cancel();
      throw new ServiceError(`the answer is longer than ${bytesMax} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}
