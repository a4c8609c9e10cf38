/**
 * The server itself: limits, configuration, reload; and what has happened of late.
 *
 * @module
 */
import type { BrokerLimits } from "../../broker/base/limits.ts";
import { json, noContent } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route, Schema } from "../http/routes.ts";
import type { ApiParts } from "./api_parts.ts";
import { answerPage, dataSchema, listOf, type PagedList } from "./page.ts";

const TIME: Schema = { type: "string", format: "date-time" };
const NULLABLE_TEXT: Schema = { type: ["string", "null"] };
const COUNTS: Schema = { type: "object", additionalProperties: { type: "integer" } };

const CLOSED_SCHEMA: Schema = {
  type: "object",
  properties: {
    time: TIME,
    clientId: { type: "string" },
    username: NULLABLE_TEXT,
    address: { type: "string" },
    listener: { type: "string" },
    by: { type: "string", enum: ["client", "broker", "network"] },
    reasonCode: { type: "integer" },
    error: NULLABLE_TEXT,
  },
};

const DROPPED_SCHEMA: Schema = {
  type: "object",
  properties: {
    time: TIME,
    reason: { type: "string" },
    topic: NULLABLE_TEXT,
    clientId: NULLABLE_TEXT,
  },
};

/** The routes. */
export function serverRoutes({ broker, operations, recent, slices }: ApiParts): Route[] {
  return [{
    path: "/api/v1/closed-connections",
    id: "listClosedConnections",
    summary: "The last 1,000 connections that were closed, with the reasons, the latest first",
    ...listOf(CLOSED_SCHEMA),
    handle: ({ query }) => answerPage(slices, query, latestFirst(recent.closed.items)),
  }, {
    method: "GET",
    path: "/api/v1/drops",
    scope: "read",
    id: "getDrops",
    summary: "How many messages were dropped, by reason",
    schema: dataSchema(COUNTS),
    handle: () => json({ data: broker.stats.dropped }),
  }, {
    path: "/api/v1/drops/recent",
    id: "listRecentDrops",
    summary: "The last 1,000 drops, the latest first",
    ...listOf(DROPPED_SCHEMA),
    handle: ({ query }) => answerPage(slices, query, latestFirst(recent.dropped.items)),
  }, {
    method: "GET",
    path: "/api/v1/limits",
    scope: "read",
    id: "getLimits",
    summary: "The limits in effect",
    schema: dataSchema(COUNTS),
    handle: () => json({ data: broker.limits }),
  }, {
    method: "PATCH",
    path: "/api/v1/limits",
    scope: "write",
    id: "changeLimits",
    summary: "Changes limits until the broker ends, or its configuration is read again",
    isOpenBody: true,
    schema: dataSchema(COUNTS),
    handle: ({ body }) => {
      try {
        broker.changeLimits(body as Partial<BrokerLimits>);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const field = Object.keys(body).find((name) => error.message.includes(name)) ?? null;
        throw new RequestError(400, error.message, field);
      }
      return json({ data: broker.limits });
    },
  }, {
    method: "GET",
    path: "/api/v1/config",
    scope: "read",
    id: "getConfiguration",
    summary: "The configuration in effect, in the language of its file",
    schema: dataSchema({ type: "object", properties: { text: { type: "string" } } }),
    handle: () => {
      const text = operations.configuration?.();
      if (text === undefined) throw new RequestError(404, "This broker has no configuration file");
      return json({ data: { text } });
    },
  }, {
    method: "POST",
    path: "/api/v1/reload",
    scope: "write",
    id: "reload",
    summary: "Has the configuration read again; 409 tells what is wrong with it",
    status: 204,
    handle: async () => {
      const faults = await operations.reload?.();
      if (faults === undefined) {
        throw new RequestError(404, "This broker has no configuration file");
      }
      if (faults.length > 0) {
        throw new RequestError(409, `The configuration stays as it was: ${faults.join("; ")}`);
      }
      return noContent();
    },
  }];
}

/** Numbered entries, the highest number first and without it. */
function latestFirst<T extends { readonly number: number }>(entries: Iterable<T>): PagedList<T> {
  return {
    entries,
    place: ({ number }) => ({ rank: number, key: "" }),
    view: ({ number: _, ...rest }) => rest,
  };
}
