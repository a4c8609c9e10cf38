/**
 * Handles every request: checks its origin, finds its route, authenticates its caller, reads its
 * fields, and logs each change.
 *
 * @module
 */
import type { Access } from "../access/access.ts";
import { type Caller, mayDo } from "../access/caller.ts";
import { type Line, line, quoted } from "../visible.ts";
import type { PeerInfo } from "../../transport/transport.ts";
import { failure, fault } from "./http_responses.ts";
import { checkHost, checkOrigin } from "./origin_check.ts";
import type { RequestPace } from "./request_pace.ts";
import { RequestError } from "./request_error.ts";
import { callOf, type Found, type RouteTable } from "./routes.ts";

/** Characters of a path in a line of the log. */
const SHOWN_MAX = 500;

/** The parts that the handler needs. */
export interface RequestHandlerOptions {
  readonly routes: RouteTable;
  readonly access: Access;
  readonly pace: RequestPace;
  /** The names of the listener, besides its addresses. */
  readonly names: readonly string[];
  /** Answers requests for the page, which take no token; `null` for other requests. */
  readonly page: ((request: Request, url: URL) => Promise<Response | null>) | null;
  /** Answers requests without a route, such as for files; `null` if there is nothing. */
  readonly other: ((url: URL) => Promise<Response | null>) | null;
  /** Logs a line about a change. */
  audit(line: Line): void;
  /** Reports an internal error. */
  reportError(error: unknown): void;
}

/** Passes requests to their handlers. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;
  /** The number of answers by status. */
  readonly answered: Map<number, number> = new Map();

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  /** Answers a request. Never rejects. */
  readonly answer = async (request: Request, peer: PeerInfo): Promise<Response> => {
    let response: Response;
    try {
      response = await this.#answer(request, peer);
    } catch (error) {
      const known = failure(error);
      if (known === null) this.#options.reportError(error);
      response = known ?? fault(500, "Something has failed here, and is in the log");
    }
    this.answered.set(response.status, (this.answered.get(response.status) ?? 0) + 1);
    return response;
  };

  async #answer(request: Request, { address }: PeerInfo): Promise<Response> {
    const { routes, access, names, pace } = this.#options;
    await pace.wait();
    const { method, headers } = request;
    const url = new URL(request.url);
    const found = routesOf(() => routes.find(method, url));
    if (!(found instanceof RequestError) && found?.route.scope === null) {
      // It tells nothing but yes or no, to whoever asks.
      const caller: Caller = { name: "", scope: null, address };
      return await found.route.handle(await callOf(found, request, url, caller));
    }
    checkHost(headers, names);
    const page = found === null ? await this.#options.page?.(request, url) : null;
    if (page) return page;
    checkOrigin(headers);
    const caller = await access.callerOf(headers, address);
    if (caller.scope === null) throw new RequestError(403, "This account has no right to look");
    if (found instanceof RequestError) throw found;
    if (found === null) return await this.#elsewhere(method, url);
    return await this.#through(found, request, url, caller);
  }

  async #through(found: Found, request: Request, url: URL, caller: Caller): Promise<Response> {
    const { route } = found;
    const isChange = route.scope === "write";
    try {
      if (!mayDo(caller, route.scope)) {
        throw new RequestError(403, `This takes a token with the scope ${route.scope}`);
      }
      const response = await route.handle(await callOf(found, request, url, caller));
      if (isChange) this.#audit(caller, request.method, url, response.status);
      return response;
    } catch (error) {
      const status = error instanceof RequestError ? error.status : 500;
      if (isChange) this.#audit(caller, request.method, url, status);
      throw error;
    }
  }

  async #elsewhere(method: string, url: URL): Promise<Response> {
    const isFile = method === "GET" || method === "HEAD";
    const response = isFile ? await this.#options.other?.(url) : null;
    if (response) return response;
    throw new RequestError(404, `There is nothing at ${url.pathname.slice(0, SHOWN_MAX)}`);
  }

  #audit(
    { name, address }: Caller,
    method: string,
    { pathname, search }: URL,
    status: number,
  ): void {
    const who = name === "" ? line`anyone` : quoted(name);
    const what = `${pathname}${search}`.slice(0, SHOWN_MAX);
    this.#options.audit(line`admin: ${who} from ${address}: ${method} ${what} ${status}`);
  }
}

function routesOf(find: () => Found | null): Found | null | RequestError {
  try {
    return find();
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
}
