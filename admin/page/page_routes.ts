/**
 * What the page asks for beside the rest of the API: who the caller is, the live view, the last
 * message of a topic, and the lines about a client.
 *
 * @module
 */
import { type Caller, mayDo } from "../access/caller.ts";
import type { ApiParts } from "../api/api_parts.ts";
import { answerPage, dataSchema, listOf } from "../api/page.ts";
import { json, stream } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route, Schema } from "../http/routes.ts";
import { type LiveFeed, VIEWERS_MAX } from "./live_feed.ts";

const LINE_SCHEMA: Schema = {
  type: "object",
  required: ["time", "text", "times"],
  properties: {
    time: { type: "string", format: "date-time" },
    text: { type: "string" },
    times: { type: "integer", description: "How often it has happened in a row" },
  },
};

const VALUE_SCHEMA: Schema = {
  type: "object",
  required: ["topic", "messages", "last"],
  properties: {
    topic: { type: "string" },
    messages: { type: "integer", description: "Since somebody looks at topics" },
    bytes: { type: "integer", description: "Bytes of their payloads" },
    last: {
      type: ["object", "null"],
      properties: {
        time: { type: "string", format: "date-time" },
        qos: { type: "integer", enum: [0, 1, 2] },
        retain: { type: "boolean" },
        clientId: { type: ["string", "null"] },
        bytes: { type: "integer", description: "Size of the payload" },
        payload: {
          type: ["string", "null"],
          description: "The first 4,096 bytes in base64; only for tokens with the scope `write`",
        },
      },
    },
  },
};

/** The routes. */
export function pageRoutes({ inspection, slices, recent }: ApiParts, feed: LiveFeed): Route[] {
  return [{
    method: "GET",
    path: "/api/v1/caller",
    scope: "read",
    id: "getCaller",
    summary: "Who asks, and with which scope",
    schema: dataSchema({
      type: "object",
      properties: { name: { type: "string" }, scope: { type: "string", enum: ["read", "write"] } },
    }),
    handle: ({ caller: { name, scope } }) => json({ data: { name, scope } }),
  }, {
    method: "GET",
    path: "/api/v1/live",
    scope: "read",
    id: "watch",
    summary: "A snapshot a second, as JSON objects, one a line; " +
      `${VIEWERS_MAX} requests at once, others get 429`,
    query: {
      topics: {
        type: "boolean",
        initial: false,
        description: "Whether topics are told too, with previews of payloads for tokens with the " +
          "scope `write`; while somebody asks for them, each message costs a little more",
      },
    },
    type: "application/x-ndjson",
    schema: { type: "string" },
    handle: ({ request, query, caller }) => {
      const type = "application/x-ndjson";
      if (request.method === "HEAD") return stream(null, type);
      const viewer = feed.open({ topics: query.topics as boolean, payloads: mayRead(caller) });
      if (viewer === null) throw new RequestError(429, `${VIEWERS_MAX} pages look already`);
      return stream(viewer.stream, type);
    },
  }, {
    method: "GET",
    path: "/api/v1/topics/last",
    scope: "read",
    id: "getLastMessage",
    summary: "The last message of a topic, while somebody watches topics",
    query: { topic: { type: "string", required: true, description: "A topic name" } },
    schema: dataSchema(VALUE_SCHEMA),
    handle: ({ query, caller }) => {
      const topic = query.topic as string;
      const node = feed.tree?.find(topic) ?? null;
      if (node === null) throw new RequestError(404, "This topic was not seen", "topic");
      const { messages, bytes, last } = node;
      if (last === null) return json({ data: { topic, messages, bytes, last } });
      const { atMs, value, ...rest } = last;
      const payload = mayRead(caller) ? { payload: value?.toBase64() ?? null } : {};
      const shown = { time: inspection.timeOf(atMs), ...rest, ...payload };
      return json({ data: { topic, messages, bytes, last: shown } });
    },
  }, {
    path: "/api/v1/clients/:id/log",
    places: { id: "The client identifier" },
    id: "listLinesOfClient",
    summary: "Recent lines about a client, the latest first: of the last 2,000 about all clients",
    ...listOf(LINE_SCHEMA),
    handle: ({ path, query }) =>
      answerPage(slices, query, {
        entries: recent.lines.items,
        place: ({ number, clientId }) => clientId === path.id ? { rank: number, key: "" } : null,
        view: ({ time, text, times }) => ({ time, text, times }),
      }),
  }];
}

/** Whether a caller may read payloads: the API gives them to the scope `write` only. */
function mayRead(caller: Caller): boolean {
  return mayDo(caller, "write");
}
