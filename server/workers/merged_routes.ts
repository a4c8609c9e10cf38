/** The API of a server with workers: which nodes answer each request, and how answers become one. */
import { ownerOf } from "../../cluster/client_owner.ts";
import { json, stream, text } from "../../admin/http/http_responses.ts";
import { readBytes } from "../../admin/http/json_body.ts";
import { RequestError } from "../../admin/http/request_error.ts";
import type { Call, Method, Route } from "../../admin/http/routes.ts";
import { PROMETHEUS_TYPE } from "../../admin/metrics/prometheus.ts";
import { MergedBans } from "./merged_bans.ts";
import { mergedLive } from "./merged_live.ts";
import { mergedTrace } from "./merged_trace.ts";
import { mergeMetrics } from "./merged_metrics.ts";
import { mergedPage } from "./merged_page.ts";
import type { NodeAdmins, NodeRequest } from "./node_admins.ts";

type Answer = (request: NodeRequest, path: Call["path"]) => Promise<Response>;

/** Lists of which each node has a part. */
const LISTS = [
  ...["clients", "slow-subscribers", "subscriptions", "closed-connections", "drops/recent"],
];

/** What the node of a client knows: the method, and what follows the client. */
const OF_CLIENT: readonly (readonly [Method, string])[] = [
  ["GET", ""],
  ["DELETE", ""],
  ["POST", "/disconnect"],
  ...["/subscriptions", "/backlog", "/log"].map((rest) => ["GET", rest] as const),
  ["DELETE", "/backlog"],
];

/** What every node knows, or can do for all of them. */
const OF_ANY: readonly (readonly [Method, string])[] = [
  ["GET", "retained"],
  ["GET", "retained/message"],
  ["DELETE", "retained"],
  ["POST", "publish"],
  ["GET", "listeners"],
  ["GET", "version"],
  // Each node knows the state of the others, for `$SYS`.
  ["GET", "systree"],
  ["GET", "limits"],
  ["GET", "openapi.json"],
  // Each node knows the whole configuration, and has all nodes read it again.
  ["GET", "config"],
  ["POST", "reload"],
];

/** What the first node alone has. */
const OF_FIRST: readonly (readonly [Method, string])[] = [
  ["GET", "bridges"],
  ["GET", "bridges/:bridge"],
  ["GET", "streams"],
  ...(["GET", "POST", "DELETE"] as const).map((method) => [method, "streams/*"] as const),
];

/** What the listener has of its own. */
export interface OwnParts {
  /** The metrics of the listener itself. */
  metrics(): string;
  /** Their names, which the metrics of the nodes have, too. */
  readonly replaced: readonly string[];
  /** Is aborted when what is sent to callers for as long as they like has to end. */
  views(): AbortSignal;
}

/** All routes, each of which asks the nodes. */
export function mergedRoutes(admins: NodeAdmins, own: OwnParts): Route[] {
  const bans = new MergedBans(admins);
  const any: Answer = (request) => admins.any(request);
  const first: Answer = (request) => admins.ask(0, request);
  const viewed = (request: NodeRequest) => ({ ...request, signal: own.views() });
  const page: Answer = (request) => mergedPage(admins, request);
  const ofClient: Answer = async (request, { id }) => {
    const owner = ownerOf(id!, admins.count);
    const response = await admins.ask(owner, request);
    if (response.status !== 404) return response;
    // Clients of the page are on the node that has taken them.
    for (let node = 0; node < admins.count; node++) {
      if (node === owner) continue;
      const other = await admins.ask(node, request);
      const [taken, left] = other.status === 404 ? [null, other] : [other, response];
      await left.body?.cancel();
      if (taken !== null) return taken;
    }
    return response;
  };
  const api = (method: Method, path: string, answer: Answer) =>
    route(admins, method, `/api/v1/${path}`, answer);
  return [
    { ...route(admins, "GET", "/health", (request) => health(admins, request)), scope: null },
    { ...route(admins, "GET", "/ready", (request) => ready(admins, request)), scope: null },
    route(admins, "GET", "/metrics", async (request) => {
      // These are the values of `$SYS`.
      if (request.query.get("names") === "mosquitto") return await admins.any(request);
      const texts = await okAll(admins, request, (response) => response.text());
      if (texts instanceof Response) return texts;
      return text(mergeMetrics(texts, own.replaced) + own.metrics(), PROMETHEUS_TYPE);
    }),
    ...LISTS.map((path) => api("GET", path, page)),
    ...OF_CLIENT.map(([method, rest]) => api(method, `clients/:id${rest}`, ofClient)),
    ...OF_ANY.map(([method, path]) => api(method, path, any)),
    ...OF_FIRST.map(([method, path]) => api(method, path, first)),
    {
      ...api("GET", "caller", any),
      // The nodes know the listener, and not who has asked it.
      handle: ({ caller: { name, scope } }) => json({ data: { name, scope } }),
    },
    api("GET", "bans", (request) => bans.list(request)),
    api("POST", "bans", (request) => bans.add(request)),
    api("DELETE", "bans/:id", (request, { id }) => bans.delete(request, id!)),
    api("PATCH", "limits", async (request) => {
      const all = await okAll(admins, request, (response) => response.json());
      return all instanceof Response ? all : json(all[0]);
    }),
    api("GET", "drops", async (request) => {
      const all = await okAll(admins, request, (response) => response.json());
      if (all instanceof Response) return all;
      return json({ data: sumOf(all.map(({ data }) => data)) });
    }),
    api("GET", "topics/last", (request) => lastMessage(admins, request)),
    api("GET", "live", (request) => streams(admins, viewed(request), mergedLive)),
    api("GET", "trace", (request) => {
      const client = request.query.get("client");
      if (client !== null) return ofClientTrace(admins, viewed(request), client);
      return streams(admins, viewed(request), mergedTrace);
    }),
  ];
}

function route(admins: NodeAdmins, method: Method, path: string, answer: Answer): Route {
  return {
    method,
    path,
    scope: method === "GET" ? "read" : "write",
    id: "",
    summary: "",
    isPassedOn: true,
    handle: async ({ request, path, caller }) => {
      const { pathname, searchParams } = new URL(request.url);
      const headers = admins.headersOf(request.headers, caller.scope);
      const body = method === "GET" || request.body === null ? null : await readBytes(request);
      if (request.method === "HEAD") {
        // Only its headers are wanted, which are the same everywhere.
        const asked = {
          method: "HEAD",
          path: pathname,
          query: searchParams,
          headers,
          signal: null,
        };
        return cleaned(await admins.any({ ...asked, body: null }));
      }
      const passed = { method, path: pathname, query: searchParams, headers, body, signal: null };
      return cleaned(await answer(passed, path));
    },
  };
}

/** An answer of a node, with the headers that are its own matter left out. */
function cleaned(response: Response): Response {
  const { status, body } = response;
  const headers = new Headers(response.headers);
  for (const name of ["connection", "content-encoding", "content-length", "date", "vary"]) {
    headers.delete(name);
  }
  return new Response(body, { status, headers });
}

/** Asks all nodes. The first answer that is no success is the answer of all. */
async function okAll<T>(
  admins: NodeAdmins,
  request: NodeRequest,
  read: (response: Response) => Promise<T>,
): Promise<T[] | Response> {
  const responses = await admins.allOk(() => request);
  if (responses instanceof Response) return responses;
  return await Promise.all(responses.map(read));
}

async function health(admins: NodeAdmins, request: NodeRequest): Promise<Response> {
  const all = await okAll(admins, request, (response) => response.json());
  return all instanceof Response ? all : json(all[0]);
}

/** Ready are the nodes when each of them is. */
async function ready(admins: NodeAdmins, request: NodeRequest): Promise<Response> {
  const reasons = await Promise.all(
    Array.from({ length: admins.count }, async (_, node): Promise<string[]> => {
      try {
        const { reasons } = await (await admins.ask(node, request)).json();
        return reasons.map((reason: string) => `worker ${node}: ${reason}`);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        return [`worker ${node} does not answer`];
      }
    }),
  ).then((all) => all.flat());
  const isReady = reasons.length === 0;
  return json({ status: isReady ? "ready" : "not ready", reasons }, isReady ? 200 : 503);
}

/** Adds numbers by their names; what is no number is that of the first. */
function sumOf(all: readonly Record<string, unknown>[]): Record<string, unknown> {
  const sum: Record<string, unknown> = {};
  for (const one of all) {
    for (const [name, value] of Object.entries(one)) {
      const before = sum[name];
      if (typeof value !== "number" || typeof before !== "number") sum[name] ??= value;
      else sum[name] = before + value;
    }
  }
  return sum;
}

/** The last message of a topic: the last one of all nodes. */
async function lastMessage(admins: NodeAdmins, request: NodeRequest): Promise<Response> {
  const responses = await admins.all(() => request);
  const found = responses.filter(({ ok }) => ok);
  const others = responses.filter(({ ok }) => !ok);
  for (const { body } of others.slice(found.length === 0 ? 1 : 0)) await body?.cancel();
  if (found.length === 0) return others[0]!;
  const all = (await Promise.all(found.map((response) => response.json()))).map(({ data }) => data);
  const [{ last }] = all.toSorted((a, b) => {
    return (b.last?.time ?? "") > (a.last?.time ?? "") ? 1 : -1;
  });
  return json({ data: { ...sumOf(all), last } });
}

/** Opens a stream at every node, and merges them. */
async function streams(
  admins: NodeAdmins,
  request: NodeRequest,
  merge: (streams: readonly ReadableStream<Uint8Array>[]) => ReadableStream<Uint8Array>,
): Promise<Response> {
  const responses = await admins.allOk(() => request);
  if (responses instanceof Response) return responses;
  return stream(merge(responses.map(({ body }) => body!)), "application/x-ndjson");
}

/** What a client does, its node tells. */
function ofClientTrace(admins: NodeAdmins, request: NodeRequest, id: string): Promise<Response> {
  return admins.ask(ownerOf(id, admins.count), request);
}
