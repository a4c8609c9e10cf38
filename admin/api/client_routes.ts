/**
 * Clients and their sessions: lists, one client, disconnect, end of a session.
 *
 * @module
 */
import { ReasonCode } from "../../codec/mod.ts";
import type { InspectedSession } from "../../broker/inspected_session.ts";
import { AddressList, hostOf } from "../../transport/cidr.ts";
import type { Fields, Values } from "../http/fields.ts";
import { json, noContent } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route } from "../http/routes.ts";
import type { ApiParts } from "./api_parts.ts";
import { CLIENT_SCHEMA, clientView, SUBSCRIPTION_SCHEMA } from "./client_view.ts";
import { answerIndexedPage, answerPage, dataSchema, listOf } from "./page.ts";
import type { Place } from "./place.ts";

const CLIENT_ID = { id: "The client identifier" } as const;

/** Query parameters that select clients. */
const SELECTION: Fields = {
  id: { type: "string", description: "Clients whose identifier contains this text" },
  user: { type: "string", description: "Clients with this user name" },
  address: { type: "string", description: "Clients at this address, or in this block of them" },
  version: {
    type: "integer",
    minimum: 3,
    maximum: 5,
    description: "Clients of this protocol version: 3 (3.1), 4 (3.1.1) or 5",
  },
  listener: { type: "string", description: "Clients that came by the listener with this name" },
  connected: { type: "boolean", description: "Whether the client is connected" },
};

/** The values that clients can be sorted by; the highest comes first. */
const RANKS: Readonly<Record<string, (session: InspectedSession, nowMs: number) => number>> = {
  id: () => 0,
  lag: (session) => session.lagBytes,
  backlog: (session) => session.waiting.messages,
  "backlog-bytes": (session) => session.waiting.bytes,
  received: (session, nowMs) => rateOf(session, nowMs, "bytesReceived"),
  sent: (session, nowMs) => rateOf(session, nowMs, "bytesSent"),
};

const SORT: Fields = {
  sort: {
    type: "string",
    words: Object.keys(RANKS),
    initial: "id",
    description:
      "By identifier, or the highest first: bytes that wait to be written, messages or " +
      "bytes in the backlog, bytes a second received or sent since the client connected",
  },
};

/** The routes. */
export function clientRoutes({ inspection, slices, totals, index, pages }: ApiParts): Route[] {
  const sessionOf = (clientId: string): InspectedSession => {
    const session = inspection.session(clientId);
    if (session !== null) return session;
    throw new RequestError(404, `There is no client "${clientId.slice(0, 100)}"`, "id");
  };
  return [{
    path: "/api/v1/clients",
    id: "listClients",
    summary: "Clients with their sessions, connected or not",
    ...listOf(CLIENT_SCHEMA, { ...SELECTION, ...SORT }),
    handle: ({ query }) => {
      const isSelected = selectionOf(query);
      const rank = RANKS[query.sort as string]!;
      const nowMs = inspection.clock.now();
      const place = (session: InspectedSession): Place | null =>
        isSelected(session) ? { rank: rank(session, nowMs), key: session.clientId } : null;
      const { limit: _, cursor: __, ...asked } = query;
      return answerIndexedPage({ slices, index, pace: pages }, query, JSON.stringify(asked), {
        entries: inspection.sessions(),
        place,
        view: (session: InspectedSession) => clientView(session, inspection),
        get: (clientId) => {
          const session = inspection.session(clientId);
          return session !== null && isSelected(session) ? session : null;
        },
      });
    },
  }, {
    method: "GET",
    path: "/api/v1/clients/:id",
    places: CLIENT_ID,
    scope: "read",
    id: "getClient",
    summary: "One client with its session",
    schema: dataSchema(CLIENT_SCHEMA),
    handle: ({ path }) => json({ data: clientView(sessionOf(path.id!), inspection) }),
  }, {
    path: "/api/v1/clients/:id/subscriptions",
    places: CLIENT_ID,
    id: "listSubscriptionsOfClient",
    summary: "The subscriptions of one client",
    ...listOf(SUBSCRIPTION_SCHEMA),
    handle: ({ path, query }) => {
      const session = sessionOf(path.id!);
      const { clientId } = session;
      return answerPage(slices, query, {
        entries: session.subscriptions(),
        place: ({ filter }) => ({ rank: 0, key: filter }),
        view: (one) => ({ clientId, ...one }),
      });
    },
  }, {
    method: "POST",
    path: "/api/v1/clients/:id/disconnect",
    places: CLIENT_ID,
    scope: "write",
    id: "disconnectClient",
    summary: "Disconnects a client with 0x98 (Administrative action); its session stays",
    body: {
      reason: {
        type: "string",
        lengthMax: 1000,
        description: "The reason string that a client of 5.0 is sent",
      },
    },
    status: 204,
    handle: ({ path, body }) => {
      const reason = (body.reason ?? null) as string | null;
      if (sessionOf(path.id!).disconnect(ReasonCode.AdministrativeAction, reason)) {
        return noContent();
      }
      throw new RequestError(409, "This client is not connected", "id");
    },
  }, {
    method: "DELETE",
    path: "/api/v1/clients/:id",
    places: CLIENT_ID,
    scope: "write",
    id: "endSession",
    summary: "Ends a session: its client is disconnected with 0x98, and what waits for it is lost",
    status: 204,
    handle: ({ path }) => {
      sessionOf(path.id!);
      inspection.endSession(path.id!);
      return noContent();
    },
  }, {
    path: "/api/v1/slow-subscribers",
    id: "listSlowSubscribers",
    summary: "Connected clients that take their messages more slowly than these come",
    ...listOf({
      type: "object",
      properties: { since: { type: "string", format: "date-time" }, client: CLIENT_SCHEMA },
    }),
    handle: async ({ query }) => {
      await totals.take();
      const place = ([clientId]: readonly [string, number]): Place | null => {
        const session = inspection.session(clientId);
        if (session === null || !session.isConnected) return null;
        return { rank: session.lagBytes + session.waiting.bytes, key: clientId };
      };
      const view = ([clientId, sinceMs]: readonly [string, number]) => {
        const session = inspection.session(clientId);
        const client = session === null ? null : clientView(session, inspection);
        return { since: inspection.timeOf(sinceMs), client };
      };
      return answerPage(slices, query, { entries: totals.slow, place, view });
    },
  }, {
    path: "/api/v1/subscriptions",
    id: "listSubscriptions",
    summary: "The subscriptions of all clients",
    ...listOf(SUBSCRIPTION_SCHEMA, {
      filter: { type: "string", description: "Subscriptions with exactly this topic filter" },
    }),
    handle: ({ query }) => {
      const { filter } = query;
      return answerPage(slices, query, {
        entries: subscriptionsOf(inspection.sessions()),
        place: (one) =>
          one === null || (filter !== undefined && one.filter !== filter)
            ? null
            : { rank: 0, key: `${one.clientId}\0${one.filter}` },
        view: (one) => one,
      });
    },
  }];
}

/** Every subscription; `null` for each client, so that one without any is a step, too. */
function* subscriptionsOf(sessions: Iterable<InspectedSession>) {
  for (const session of sessions) {
    const { clientId } = session;
    yield null;
    for (const subscription of session.subscriptions()) yield { clientId, ...subscription };
  }
}

/** Bytes a second since the client connected; 0 while it is away. */
function rateOf(
  { connection }: InspectedSession,
  nowMs: number,
  what: "bytesReceived" | "bytesSent",
): number {
  if (connection === null) return 0;
  return connection[what] / Math.max(1, (nowMs - connection.sinceMs) / 1000);
}

function selectionOf(query: Values): (session: InspectedSession) => boolean {
  const { id, user, version, listener, connected } = query;
  const addresses = query.address === undefined ? null : blockOf(query.address as string);
  return (session) => {
    if (id !== undefined && !session.clientId.includes(id as string)) return false;
    if (user !== undefined && session.username !== user) return false;
    if (connected !== undefined && session.isConnected !== connected) return false;
    if (addresses === null && version === undefined && listener === undefined) return true;
    const client = session.connection?.client;
    if (client === undefined) return false;
    if (version !== undefined && client.protocolVersion !== version) return false;
    if (listener !== undefined && (client.listener ?? "") !== listener) return false;
    return addresses === null || addresses.has(hostOf(client.address));
  };
}

/**
 * Parses an address, or a block of addresses.
 *
 * @throws {RequestError} 400 if it is none.
 */
export function blockOf(text: string): AddressList {
  try {
    return new AddressList([text]);
  } catch {
    throw new RequestError(400, '"address" expects an address or a block of them', "address");
  }
}
