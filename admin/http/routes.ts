/**
 * The routes of the admin listener: their handlers, scopes and fields.
 *
 * @module
 */
import type { Caller, Scope } from "../access/caller.ts";
import { readJsonBody } from "./json_body.ts";
import { type Fields, readFields, readQuery, type Values } from "./fields.ts";
import { RequestError } from "./request_error.ts";

/** The supported methods. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** A request with its route, and with checked fields. */
export interface Call {
  readonly request: Request;
  readonly caller: Caller;
  /** The values of the places of the path, decoded. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Values;
  readonly body: Values;
}

/** A route: its path, scope, fields and handler. */
export interface Route {
  readonly method: Method;
  /** A path with `:name` for each place. */
  readonly path: string;
  /** The scope that the caller needs; `null` for everyone. */
  readonly scope: Scope | null;
  /** Its description, in one line. */
  readonly summary: string;
  /** Its identifier in the OpenAPI file. */
  readonly id: string;
  /** The descriptions of the places of the path. */
  readonly places?: Readonly<Record<string, string>>;
  readonly query?: Fields;
  readonly body?: Fields;
  /** Whether the body may have any fields, which the handler checks. */
  readonly isOpenBody?: boolean;
  /** Whether the query and the body are passed on as they are, and are checked elsewhere. */
  readonly isPassedOn?: boolean;
  /** The status of success; 200 by default, 204 without a schema. */
  readonly status?: number;
  /** The schema of the response on success. */
  readonly schema?: Schema;
  /** The content type of the response on success; `application/json` by default. */
  readonly type?: string;
  handle(call: Call): Response | Promise<Response>;
}

/** A route, and the values of the places of its path. */
export interface Found {
  readonly route: Route;
  readonly path: Readonly<Record<string, string>>;
}

/** Finds the route of a request. */
export class RouteTable {
  readonly routes: readonly Route[];
  readonly #patterns: readonly (readonly [URLPattern, Route])[];

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    this.#patterns = routes.map((route) => [new URLPattern({ pathname: route.path }), route]);
  }

  /**
   * Finds the route of a request; `null` if there is none.
   *
   * @throws {RequestError} 405 if the path is known, but not with that method; 400 if it is
   * ill-formed.
   */
  find(method: string, url: URL): Found | null {
    const allowed: string[] = [];
    for (const [pattern, route] of this.#patterns) {
      const match = pattern.exec({ pathname: url.pathname });
      if (match === null) continue;
      const isMeant = route.method === method || (method === "HEAD" && route.method === "GET");
      if (isMeant) return { route, path: decoded(match.pathname.groups) };
      allowed.push(route.method);
    }
    if (allowed.length === 0) return null;
    const text = `${method} is not known here: use ${allowed.join(" or ")}`;
    throw new RequestError(405, text, null, { allow: allowed.join(", ") });
  }
}

/**
 * Reads the fields of a request.
 *
 * @throws {RequestError} If one is wrong, or the body is.
 */
export async function callOf(
  { route, path }: Found,
  request: Request,
  url: URL,
  caller: Caller,
): Promise<Call> {
  if (route.isPassedOn) return { request, caller, path, query: {}, body: {} };
  const query = readQuery(url.searchParams, route.query ?? {});
  const takesBody = route.body !== undefined || route.isOpenBody === true;
  const given = takesBody ? await readJsonBody(request) : {};
  const body = route.isOpenBody ? given : readFields(given, route.body ?? {});
  return { request, caller, path, query, body };
}

function decoded(groups: Record<string, string | undefined>): Record<string, string> {
  const path: Record<string, string> = {};
  for (const [name, text = ""] of Object.entries(groups)) {
    try {
      path[name] = decodeURIComponent(text);
    } catch {
      throw new RequestError(400, `The path is ill-formed at "${name}"`, name);
    }
  }
  return path;
}
