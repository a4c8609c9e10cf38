/**
 * Streams and the groups that read them: lists, what is pending, another position, removal.
 *
 * @module
 */
import type { GroupInfo, PendingInfo } from "../../stream/group_info.ts";
import type { Stream } from "../../stream/stream.ts";
import { json, noContent } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route, Schema } from "../http/routes.ts";
import type { ApiParts } from "./api_parts.ts";
import { answerPage, dataSchema, listOf } from "./page.ts";

const STREAM = { stream: "The name of the stream" } as const;
const GROUP = { ...STREAM, group: "The name of the group" } as const;

const STREAM_SCHEMA: Schema = {
  type: "object",
  required: ["name", "isDeclared"],
  properties: {
    name: { type: "string" },
    isDeclared: {
      type: "boolean",
      description: "Whether it takes messages; if not, it keeps what it has until it is removed",
    },
    first: { type: "integer", description: "The sequence of the oldest message" },
    last: { type: "integer", description: "The sequence that was given last; 0 for none" },
    messages: { type: "integer" },
    bytes: { type: "integer" },
    limits: {
      type: "object",
      description: "What it may have; null for no limit",
      properties: {
        maxAgeMs: { type: ["integer", "null"] },
        maxBytes: { type: ["integer", "null"] },
        maxMessages: { type: ["integer", "null"] },
        maxPerTopic: { type: ["integer", "null"] },
        compact: { type: "string", enum: ["topic", "none"] },
      },
    },
  },
};

const GROUP_SCHEMA: Schema = {
  type: "object",
  required: ["name", "filter", "isExclusive", "floor", "next", "pending", "lag", "members"],
  properties: {
    name: { type: "string" },
    filter: { type: "string" },
    isExclusive: { type: "boolean" },
    floor: { type: "integer", description: "Everything in front of this sequence is acknowledged" },
    next: { type: "integer", description: "The first sequence that no member was given yet" },
    pending: { type: "integer", description: "Messages in front of it that are not acknowledged" },
    lag: { type: "integer", description: "Messages of the stream that no member was given yet" },
    members: { type: "integer", description: "Its members, connected or not" },
  },
};

const PENDING_SCHEMA: Schema = {
  type: "object",
  required: ["clientId", "messages", "oldest", "since", "deliveries"],
  properties: {
    clientId: { type: ["string", "null"], description: "null for what waits for a member" },
    messages: { type: "integer" },
    oldest: { type: "integer", description: "The lowest sequence" },
    since: {
      type: ["string", "null"],
      format: "date-time",
      description: "When a member was given that message last; null for not since the start",
    },
    deliveries: { type: "integer", description: "How often one of them was given at most" },
  },
};

/** The routes. */
export function streamRoutes({ broker, slices }: ApiParts): Route[] {
  const streamOf = (name: string): Stream => {
    const stream = broker.stream(name);
    if (stream !== null) return stream;
    throw noStream(name);
  };
  const groupOf = (path: Readonly<Record<string, string>>): [Stream, GroupInfo] => {
    const stream = streamOf(path.stream!);
    const group = stream.groups().find(({ name }) => name === path.group);
    if (group !== undefined) return [stream, group];
    throw new RequestError(404, `There is no group "${path.group!.slice(0, 100)}"`, "group");
  };
  return [{
    path: "/api/v1/streams",
    id: "listStreams",
    summary: "The streams, with the sequences and the size of what the declared ones have",
    ...listOf(STREAM_SCHEMA),
    handle: ({ query }) =>
      answerPage(slices, query, {
        entries: [...broker.streams.declared, ...broker.streams.undeclared],
        place: (name) => ({ rank: 0, key: name }),
        view(name) {
          const stream = broker.stream(name);
          if (stream === null) return { name, isDeclared: false };
          const { first, last, messages, bytes, retention } = stream;
          // JSON has no Infinity: it writes null.
          const size = { first, last, messages, bytes };
          return { name, isDeclared: true, ...size, limits: retention };
        },
      }),
  }, {
    method: "DELETE",
    path: "/api/v1/streams/:stream",
    places: STREAM,
    scope: "write",
    id: "removeStream",
    summary: "Removes a stream that is no longer declared, with all its messages and groups",
    status: 204,
    handle: async ({ path }) => {
      const name = path.stream!;
      if (broker.stream(name) !== null) {
        const text = "This stream is declared: take it out of the configuration, and reload, first";
        throw new RequestError(409, text, "stream");
      }
      if (await broker.removeStream(name)) return noContent();
      throw noStream(name);
    },
  }, {
    path: "/api/v1/streams/:stream/groups",
    places: STREAM,
    id: "listGroups",
    summary: "The groups that read a stream, and how far they are",
    ...listOf(GROUP_SCHEMA),
    handle: ({ path, query }) => {
      const stream = streamOf(path.stream!);
      return answerPage(slices, query, {
        entries: stream.groups(),
        place: ({ name }) => ({ rank: 0, key: name }),
        view: (group) => groupView(stream, group),
      });
    },
  }, {
    method: "GET",
    path: "/api/v1/streams/:stream/groups/:group",
    places: GROUP,
    scope: "read",
    id: "getGroup",
    summary: "One group, and how far it is",
    schema: dataSchema(GROUP_SCHEMA),
    handle: ({ path }) => json({ data: groupView(...groupOf(path)) }),
  }, {
    path: "/api/v1/streams/:stream/groups/:group/pending",
    places: GROUP,
    id: "listPending",
    summary: "What the members of a group have not acknowledged, the most first",
    ...listOf(PENDING_SCHEMA),
    handle: ({ path, query }) => {
      const [stream, { name }] = groupOf(path);
      return answerPage(slices, query, {
        entries: stream.pending(name),
        place: ({ member, messages }) => ({ rank: messages, key: member ?? "" }),
        view: pendingView,
      });
    },
  }, {
    method: "POST",
    path: "/api/v1/streams/:stream/groups/:group/seek",
    places: GROUP,
    scope: "write",
    id: "seekGroup",
    summary: "Has a group go on from another position; what is in flight does not count any more",
    body: {
      position: {
        type: "string",
        required: true,
        lengthMax: 100,
        description: "A position as in a subscription: earliest, latest, after=N, since=1h …",
      },
    },
    status: 204,
    handle: async ({ path, body }) => {
      const [stream, { name }] = groupOf(path);
      try {
        await stream.seek(name, body.position as string);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new RequestError(400, error.message, "position");
      }
      return noContent();
    },
  }, {
    method: "DELETE",
    path: "/api/v1/streams/:stream/groups/:group",
    places: GROUP,
    scope: "write",
    id: "removeGroup",
    summary: "Removes a group with its progress, and ends the subscriptions of its members",
    status: 204,
    handle: async ({ path }) => {
      const [stream, { name }] = groupOf(path);
      await stream.remove(name);
      return noContent();
    },
  }];
}

function noStream(name: string): RequestError {
  return new RequestError(404, `There is no stream "${name.slice(0, 100)}"`, "stream");
}

function groupView({ last }: Stream, { members, ...group }: GroupInfo) {
  return { ...group, lag: Math.max(0, last + 1 - group.next), members: members.length };
}

function pendingView({ member, messages, oldest, oldestMs, deliveries }: PendingInfo) {
  const since = oldestMs === 0 ? null : new Date(oldestMs).toISOString();
  return { clientId: member, messages, oldest, since, deliveries };
}
