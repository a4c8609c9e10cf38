/** Fetches a text over HTTP, within limits of time and size. */
import type { Clock } from "../transport/clock.ts";

/** `fetch`, or a function that behaves like it. */
export type Fetch = (url: string | URL, init: RequestInit) => Promise<Response>;

/** An answer that was read completely. */
export interface TextAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * A service did not answer, or not as it should.
 *
 * The message contains no secret. There is no `cause`, because the runtime's message contains the
 * whole URL.
 */
export class ServiceError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ServiceError";
}

/** A signal that fires after a time, or with another signal. */
export interface Timeout {
  readonly signal: AbortSignal;
  /** Cancels the timeout. */
  cancel(): void;
}

/** Makes a timeout of `timeoutMs` milliseconds. `signal` ends it earlier. */
export function timeoutAfter(clock: Clock, timeoutMs: number, signal: AbortSignal): Timeout {
  const late = new AbortController();
  const cancel = clock.schedule(clock.now() + timeoutMs, () => late.abort());
  return { signal: AbortSignal.any([late.signal, signal]), cancel };
}

/**
 * Sends a request, and reads at most a number of bytes of the answer. Redirections are not
 * followed, because the request may contain a secret.
 *
 * @throws {ServiceError} If there is no complete answer before `signal` fires.
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

/** A URL without the parts that may be secret. */
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
