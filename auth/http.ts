/** The authenticator and authorizer that asks a service over HTTP. */
import { createHmac, randomBytes } from "node:crypto";
import { ReasonCode } from "../codec/mod.ts";
import type { Authenticator, ClientInfo, ConnectRequest, Decision } from "./authenticator.ts";
import type { Authorizer, PublishRequest, SubscribeRequest } from "./authorizer.ts";
import { ExpiringCache } from "./expiring_cache.ts";
import { fetchText, placeOf, ServiceError, type TextAnswer, timeoutAfter } from "./fetch_text.ts";
import { decisionOf, permissionOf } from "./http_answer.ts";
import { type HttpHookOptions, type HttpHookSettings, httpHookSettings } from "./http_options.ts";
import { ConcurrencyLimiter } from "./concurrency_limiter.ts";

/** What an {@linkcode HttpHook} counts, from its start. */
export interface HttpHookStats {
  /** Requests that were sent to the service. */
  asked: number;
  /** Questions that the cache answered. */
  remembered: number;
  /** Questions that were equal to a request in progress, and got its answer. */
  shared: number;
  /** Questions that were refused because too many waited. */
  busy: number;
  /** Requests without a usable answer in time. */
  failed: number;
}

/** A remembered answer: a decision with its grant, or whether an action is allowed. */
type Remembered = Decision | boolean;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * An authenticator and authorizer that asks a service over HTTP.
 *
 * Each question is a POST of JSON. The service answers 200 with `{"allow": true}` or `{"allow":
 * false}`, 204 to allow, or 401 or 403 to deny. Its answer to a CONNECT may have `username`, `acl`
 * and `expiresAt` (seconds since 1970). Any other answer, or none in time, denies
 * (`ServerUnavailable`), unless `failOpen` is set.
 *
 * It needs the permission `--allow-net` for the service.
 *
 * @example A service that accepts every client with the right password
 * ```ts
 * import { Broker, connect } from "@fairway/mqtt";
 * import { HttpHook } from "@fairway/mqtt/auth";
 *
 * await using service = Deno.serve({ port: 0, onListen() {} }, async (request) => {
 *   const { password } = await request.json();
 *   return Response.json({ allow: password === "pencil", acl: { publish: ["lamp/%u"] } });
 * });
 * using hook = new HttpHook({ authenticateUrl: `http://127.0.0.1:${service.addr.port}/` });
 * await using broker = new Broker({ authenticator: hook });
 * const { port } = await broker.listen({ port: 0 });
 * await using client = await connect(`mqtt://ann:pencil@127.0.0.1:${port}`);
 * await client.publish("lamp/ann", "on", { qos: 1 });
 * ```
 */
export class HttpHook implements Authenticator, Authorizer, Disposable {
  /** The counters. */
  readonly stats: Readonly<HttpHookStats>;
  readonly #stats: HttpHookStats = { asked: 0, remembered: 0, shared: 0, busy: 0, failed: 0 };
  readonly #settings: HttpHookSettings;
  readonly #concurrency: ConcurrencyLimiter;
  readonly #allowed: ExpiringCache<Remembered>;
  readonly #denied: ExpiringCache<Remembered>;
  readonly #underWay = new Map<string, Promise<Remembered | null>>();
  readonly #closing = new AbortController();
  /**
   * The key of the digests by which answers are remembered. A digest reveals nothing about a
   * password.
   */
  readonly #key = randomBytes(32);

  /**
   * Makes a hook. It sends no request before the first client connects.
   *
   * @throws {TypeError} If no URL is given, or an invalid one.
   * @throws {RangeError} If a number is out of range.
   */
  constructor(options: HttpHookOptions) {
    const settings = httpHookSettings(options);
    const { clock, allowCacheEntriesMax, denyCacheEntriesMax } = settings;
    this.stats = this.#stats;
    this.#settings = settings;
    this.#concurrency = new ConcurrencyLimiter(settings.requestsMax, settings.waitingMax);
    this.#allowed = new ExpiringCache(clock, allowCacheEntriesMax);
    this.#denied = new ExpiringCache(clock, denyCacheEntriesMax);
  }

  /** Asks `authenticateUrl` whether a client may connect. Without that URL, no client is known. */
  async authenticate(request: ConnectRequest): Promise<Decision> {
    const url = this.#settings.authenticateUrl;
    if (url === null) return { reasonCode: ReasonCode.BadUserNameOrPassword };
    const question = { ...clientFields("connect", request), ...connectFields(request) };
    const decision = await this.#ask(url, question, decisionOf);
    if (decision !== null) return decision as Decision;
    return this.#settings.failOpen
      ? { reasonCode: ReasonCode.Success }
      : { reasonCode: ReasonCode.ServerUnavailable };
  }

  /** Asks `authorizeUrl` whether a client may publish. Without that URL, it may not. */
  mayPublish(client: ClientInfo, request: PublishRequest): boolean | Promise<boolean> {
    return this.#may({ ...clientFields("publish", client), ...request });
  }

  /** Asks `authorizeUrl` whether a client may subscribe. Without that URL, it may not. */
  maySubscribe(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean> {
    return this.#may({ ...clientFields("subscribe", client), ...request });
  }

  /** Forgets every remembered answer. */
  forget(): void {
    this.#allowed.clear();
    this.#denied.clear();
  }

  /** Gives up every question, and asks no more. */
  close(): void {
    this.#closing.abort();
    this.forget();
  }

  /** Gives up every question, and asks no more. */
  [Symbol.dispose](): void {
    this.close();
  }

  #may(question: Question): boolean | Promise<boolean> {
    const { authorizeUrl, failOpen } = this.#settings;
    if (authorizeUrl === null) return false;
    const answer = this.#ask(authorizeUrl, question, permissionOf);
    if (answer instanceof Promise) return answer.then((may) => (may ?? failOpen) as boolean);
    return (answer ?? failOpen) as boolean;
  }

  /** The answer to a question, from the cache or the service; `null` if there is none. */
  #ask(
    url: URL,
    question: Question,
    read: (answer: TextAnswer) => Remembered,
  ): Remembered | null | Promise<Remembered | null> {
    const key = this.#keyOf(question);
    const remembered = this.#allowed.get(key) ?? this.#denied.get(key);
    if (remembered !== undefined) {
      this.#stats.remembered++;
      return remembered;
    }
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) {
      this.#stats.shared++;
      return underWay;
    }
    const answer = this.#send(url, question, read)
      .then((answer) => this.#remember(key, answer))
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, answer);
    return answer;
  }

  #remember(key: string, answer: Remembered | null): Remembered | null {
    if (answer === null || this.#closing.signal.aborted) return answer;
    const { allowCacheMs, denyCacheMs } = this.#settings;
    const isYes = answer === true || (answer !== false && answer.reasonCode === ReasonCode.Success);
    if (isYes) this.#allowed.set(key, answer, allowCacheMs);
    else this.#denied.set(key, answer, denyCacheMs);
    return answer;
  }

  /** Waits for its turn and sends the request; `null` if that fails. */
  async #send(
    url: URL,
    question: Question,
    read: (answer: TextAnswer) => Remembered,
  ): Promise<Remembered | null> {
    const { clock, timeoutMs } = this.#settings;
    const { signal, cancel } = timeoutAfter(clock, timeoutMs, this.#closing.signal);
    try {
      if (!await this.#concurrency.enter(signal)) {
        if (signal.aborted) throw new ServiceError("its turn did not come in time");
        this.#stats.busy++;
        return null;
      }
      try {
        return read(await this.#post(url, question, signal));
      } finally {
        this.#concurrency.leave();
      }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return this.#fail(url, error.message);
    } finally {
      cancel();
    }
  }

  #post(url: URL, question: Question, signal: AbortSignal): Promise<TextAnswer> {
    const { fetch, headers, answerBytesMax } = this.#settings;
    this.#stats.asked++;
    const init = {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(question),
      signal,
    };
    return fetchText(fetch, url, init, answerBytesMax);
  }

  #fail(url: URL, why: string): null {
    if (this.#closing.signal.aborted) return null;
    this.#stats.failed++;
    this.#settings.failed(new ServiceError(`Cannot ask ${placeOf(url)}: ${why}`));
    return null;
  }

  /**
   * The key of a question. It has the host of the client's address but not the port, which changes
   * each time.
   */
  #keyOf(question: Question): string {
    const address = question.address.replace(/:[0-9]+$/, "");
    const text = JSON.stringify({ ...question, address });
    return createHmac("sha256", this.#key).update(text).digest("base64");
  }
}

interface Question {
  readonly action: "connect" | "publish" | "subscribe";
  readonly address: string;
}

function clientFields(action: Question["action"], client: ClientInfo): Question {
  const { clientId, username, address, protocolVersion, listener } = client;
  return { action, clientId, username, address, protocolVersion, listener } as Question;
}

/** The fields of a CONNECT. A password that is not UTF-8 is sent in base64, under another name. */
function connectFields({ password, userProperties, certificate }: ConnectRequest): object {
  const others = { userProperties, ...certificate && { certificate } };
  if (password === null) return { password, ...others };
  try {
    return { password: decoder.decode(password), ...others };
  } catch {
    // It is not UTF-8.
    return { passwordBase64: password.toBase64(), ...others };
  }
}
