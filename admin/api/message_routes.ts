/**
 * Messages: retained ones, and publishing.
 *
 * @module
 */
import type { Properties, QoS } from "../../codec/mod.ts";
import { QuotaExceededError } from "../../broker/delivery/local_publisher.ts";
import type { Message } from "../../broker/base/message.ts";
import { topicFilterFault, topicNameFault } from "../../router/topic.ts";
import type { Values } from "../http/fields.ts";
import { json } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route, Schema } from "../http/routes.ts";
import type { Steps } from "../time_slices.ts";
import type { ApiParts } from "./api_parts.ts";
import { answerPage, dataSchema, listOf } from "./page.ts";

/** How long a request waits until a message is stored and the next one may be published, in ms. */
const PUBLISH_MS = 5000;
/** The maximum number of retained messages that are deleted in one step. */
const DELETED_PER_STEP = 16;

const PAYLOAD_SCHEMA: Schema = {
  type: "string",
  description: "In base64; only for tokens with the scope write",
};

const RETAINED_SCHEMA: Schema = {
  type: "object",
  required: ["topic", "qos", "bytes", "expires"],
  properties: {
    topic: { type: "string" },
    qos: { type: "integer", enum: [0, 1, 2] },
    bytes: { type: "integer", description: "Size of the payload" },
    publisher: { type: ["string", "null"], description: "The client identifier, if it is known" },
    expires: { type: ["string", "null"], format: "date-time" },
    payload: PAYLOAD_SCHEMA,
  },
};

/** The routes. */
export function messageRoutes({ broker, inspection, slices }: ApiParts): Route[] {
  const view = ({ name, qos, payloadBytes, publisher, deadlineMs }: Message) => ({
    topic: name,
    qos,
    bytes: payloadBytes,
    publisher,
    expires: deadlineMs === Infinity ? null : inspection.timeOf(deadlineMs),
  });
  return [{
    path: "/api/v1/retained",
    id: "listRetained",
    summary: "Retained messages, without their payloads",
    ...listOf(RETAINED_SCHEMA, {
      filter: {
        type: "string",
        initial: "#",
        description: "A topic filter; `#` matches no topic that begins with `$`",
      },
    }),
    handle: ({ query }) =>
      answerPage(slices, query, {
        entries: inspection.retained(filterOf(query)),
        place: (message) => message === null ? null : { rank: 0, key: message.name },
        view: (message) => view(message!),
      }),
  }, {
    method: "GET",
    path: "/api/v1/retained/message",
    scope: "read",
    id: "getRetained",
    summary: "The retained message of a topic; its payload for tokens with the scope write",
    query: { topic: { type: "string", required: true, description: "A topic name" } },
    schema: dataSchema(RETAINED_SCHEMA),
    handle: ({ query, caller }) => {
      const message = inspection.retainedMessage(query.topic as string);
      if (message === undefined) throw new RequestError(404, "Nothing is retained there", "topic");
      const payload = caller.scope === "write" ? { payload: message.payload.toBase64() } : {};
      return json({ data: { ...view(message), ...payload } });
    },
  }, {
    method: "DELETE",
    path: "/api/v1/retained",
    scope: "write",
    id: "deleteRetained",
    summary: "Deletes the retained messages that match a filter; subscribers are told nothing",
    query: { filter: { type: "string", required: true, description: "A topic filter" } },
    schema: dataSchema({ type: "object", properties: { deleted: { type: "integer" } } }),
    handle: async ({ query }) => {
      const filter = filterOf(query);
      return json({ data: { deleted: await slices.run(deleteRetained(filter)) } });
    },
  }, {
    method: "POST",
    path: "/api/v1/publish",
    scope: "write",
    id: "publish",
    summary: "Publishes a message; with QoS 1 and 2 the answer comes when it is stored",
    body: {
      topic: { type: "string", required: true, description: "A topic name" },
      payload: { type: "string", lengthMax: 1024 * 1024, initial: "", description: "The payload" },
      encoding: {
        type: "string",
        words: ["text", "base64"],
        initial: "text",
        description: "How the payload is written",
      },
      qos: { type: "integer", minimum: 0, maximum: 2, initial: 0, description: "The QoS" },
      retain: { type: "boolean", initial: false, description: "Whether it is retained" },
      expirySeconds: {
        type: "integer",
        minimum: 0,
        maximum: 0xffff_ffff,
        description: "Message Expiry Interval",
      },
      contentType: { type: "string", description: "Content Type" },
      responseTopic: { type: "string", description: "Response Topic" },
    },
    schema: dataSchema({ type: "object", properties: { isAccepted: { type: "boolean" } } }),
    handle: async ({ body }) => {
      const topic = body.topic as string;
      const fault = topicNameFault(topic);
      if (fault !== null) {
        throw new RequestError(400, `"topic" is no topic name: ${fault}`, "topic");
      }
      await inTime(published(topic, body));
      return json({ data: { isAccepted: true } });
    },
  }];

  async function published(topic: string, body: Values): Promise<void> {
    const options = {
      qos: body.qos as QoS,
      retain: body.retain as boolean,
      properties: propertiesOf(body),
    };
    try {
      await broker.publish(topic, payloadOf(body), options);
    } catch (error) {
      if (error instanceof QuotaExceededError) throw new RequestError(503, error.message);
      if (error instanceof TypeError) throw new RequestError(400, error.message, "topic");
      throw error;
    }
  }

  /** Waits for a publication, up to a limit of time. It is accepted in any case. */
  async function inTime(publication: Promise<void>): Promise<void> {
    const { clock } = inspection;
    const late = Promise.withResolvers<void>();
    const cancel = clock.schedule(clock.now() + PUBLISH_MS, late.resolve);
    try {
      await Promise.race([publication, late.promise]);
    } finally {
      cancel();
    }
  }

  function* deleteRetained(filter: string): Steps<number> {
    let deleted = 0;
    for (const message of inspection.retained(filter)) {
      if (message !== null && inspection.deleteRetained(message.name)) deleted++;
      if (deleted % DELETED_PER_STEP === 0) yield;
    }
    return deleted;
  }
}

function filterOf({ filter }: Values): string {
  const fault = topicFilterFault(filter as string);
  if (fault === null && !(filter as string).startsWith("$share/")) return filter as string;
  throw new RequestError(
    400,
    `"filter" is no topic filter: ${fault ?? "it is shared"}`,
    "filter",
  );
}

function payloadOf({ payload, encoding }: Values): Uint8Array | string {
  if (encoding === "text") return payload as string;
  try {
    return Uint8Array.fromBase64(payload as string);
  } catch {
    throw new RequestError(400, '"payload" is not base64', "payload");
  }
}

function propertiesOf({ expirySeconds, contentType, responseTopic }: Values): Properties {
  const fault = responseTopic === undefined ? null : topicNameFault(responseTopic as string);
  if (fault !== null) {
    throw new RequestError(400, `"responseTopic" is no topic name: ${fault}`, "responseTopic");
  }
  return {
    ...expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds as number },
    ...contentType === undefined ? {} : { contentType: contentType as string },
    ...responseTopic === undefined ? {} : { responseTopic: responseTopic as string },
  };
}
