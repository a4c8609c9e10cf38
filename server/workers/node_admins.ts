/** Asks the admin listeners of the nodes, of which only this process knows where they are. */
import type { Scope } from "../../admin/access/caller.ts";
import { RequestError } from "../../admin/http/request_error.ts";

/** How long a node may take to begin its answer, in milliseconds. */
const ANSWER_MS = 20_000;

/** A request as it is passed on. */
export interface NodeRequest {
  readonly method: string;
  /** The path, as it came. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Those that the nodes have to see. */
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** Aborted when the answer has to end; `null` if it ends by itself. */
  readonly signal: AbortSignal | null;
}

/** The tokens that the listeners of the nodes know, one for each scope. */
export type NodeTokens = Readonly<Record<Scope, string>>;

/** The admin listeners of all nodes. */
export class NodeAdmins {
  readonly #ports: readonly (number | null)[];
  readonly #tokens: NodeTokens | null;
  // A connection that is kept would be closed by the node while a request is on its way.
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

  /**
   * @param ports Of each node; `null` while it does not run. They may change at any time.
   * @param tokens Are shown to the nodes; `null` if callers show tokens that the nodes know.
   */
  constructor(ports: readonly (number | null)[], tokens: NodeTokens | null) {
    this.#ports = ports;
    this.#tokens = tokens;
  }

  /** The headers of a request that are passed on, with a token for the scope of its caller. */
  headersOf(given: Headers, scope: Scope | null): Headers {
    const headers = new Headers();
    const type = given.get("content-type");
    if (type !== null) headers.set("content-type", type);
    const shown = this.#tokens === null
      ? given.get("authorization")
      : scope === null
      ? null
      : `Bearer ${this.#tokens[scope]}`;
    if (shown !== null) headers.set("authorization", shown);
    return headers;
  }

  /** How many nodes there are, running or not. */
  get count(): number {
    return this.#ports.length;
  }

  /** The port of a node that runs: the first one; `null` if none does. */
  get anyPort(): number | null {
    return this.#ports.find((port) => port !== null) ?? null;
  }

  /**
   * Asks one node.
   *
   * @throws {RequestError} 503 if it does not run, or does not answer.
   */
  async ask(node: number, request: NodeRequest): Promise<Response> {
    const port = this.#ports[node] ?? null;
    if (port === null) throw unavailable(node);
    const { method, path, body, query, headers } = request;
    const begun = new AbortController();
    const timer = setTimeout(() => begun.abort(), ANSWER_MS);
    try {
      return await fetch(`http://127.0.0.1:${port}${path}?${query}`, {
        method,
        headers,
        body,
        signal: request.signal === null
          ? begun.signal
          : AbortSignal.any([request.signal, begun.signal]),
        client: this.#client,
      });
    } catch {
      throw unavailable(node);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Asks all nodes at once.
   *
   * @param requestOf The request to a node.
   * @throws {RequestError} 503 if one of them does not answer.
   */
  async all(requestOf: (node: number) => NodeRequest): Promise<Response[]> {
    const asked = Array.from({ length: this.count }, (_, node) => this.ask(node, requestOf(node)));
    const settled = await Promise.allSettled(asked);
    const responses = settled.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    const failed = settled.find((one) => one.status === "rejected");
    if (failed === undefined) return responses;
    await leave(responses);
    throw failed.reason;
  }

  /**
   * Asks all nodes at once. An answer that is no success is the only one.
   *
   * @throws {RequestError} 503 if one of them does not answer.
   */
  async allOk(requestOf: (node: number) => NodeRequest): Promise<Response[] | Response> {
    const responses = await this.all(requestOf);
    const failed = responses.find(({ ok }) => !ok);
    if (failed === undefined) return responses;
    await leave(responses.filter((response) => response !== failed));
    return failed;
  }

  /** Asks the first node that runs: all of them know the same. */
  any(request: NodeRequest): Promise<Response> {
    return this.ask(Math.max(0, this.#ports.findIndex((port) => port !== null)), request);
  }

  /** Asks nobody any more. */
  close(): void {
    this.#client.close();
  }
}

/** Nobody reads these. */
async function leave(responses: readonly Response[]): Promise<void> {
  for (const { body } of responses) await body?.cancel();
}

function unavailable(node: number): RequestError {
  const text = `Worker ${node} does not answer now: it is being started again`;
  return new RequestError(503, text, null, { "retry-after": "1" });
}
