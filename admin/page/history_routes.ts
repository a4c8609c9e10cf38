/**
 * A look at what a stream has: messages from a position on, by a topic filter.
 *
 * @module
 */
import { mayDo } from "../access/caller.ts";
import type { ApiParts } from "../api/api_parts.ts";
import { pageSchema } from "../api/page.ts";
import { json } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route, Schema } from "../http/routes.ts";
import type { StreamMessage } from "../../stream/stream.ts";

/** Messages of an answer, at most. */
const MESSAGES_MAX = 1000;
const MESSAGES_INITIAL = 100;
/** Payloads of an answer, in bytes: it ends with the message that exceeds it. */
const PAYLOAD_BYTES_MAX = 1024 * 1024;
/** How long a search may take, in milliseconds; then the answer is what was found. */
const SEARCH_MS = 5000;
/** Messages after which other work runs first. */
const MESSAGES_PER_TURN = 16;

const MESSAGE_SCHEMA: Schema = {
  type: "object",
  required: ["seq", "time", "topic", "qos", "bytes"],
  properties: {
    seq: { type: "integer" },
    time: { type: "string", format: "date-time" },
    topic: { type: "string" },
    qos: { type: "integer", enum: [0, 1, 2] },
    retain: { type: "boolean" },
    bytes: { type: "integer", description: "Size of the payload" },
    publisher: { type: ["string", "null"] },
    payload: { type: "string", description: "In base64; only with `payload=true`" },
  },
};

/** The messages of one answer. */
interface Found {
  readonly messages: StreamMessage[];
  /** Where the next page begins; `null` if there is nothing more. */
  next: number | null;
}

/** The route. */
export function historyRoutes({ broker, inspection }: ApiParts): Route[] {
  return [{
    method: "GET",
    path: "/api/v1/streams/:stream/messages",
    places: { stream: "The name of the stream" },
    scope: "read",
    id: "listMessagesOfStream",
    summary: "Messages that a stream has, from a position on, the oldest first; " +
      "`meta.next` is the position of the next page",
    query: {
      position: {
        type: "string",
        initial: "last=100",
        lengthMax: 100,
        description: "A position as in a subscription: earliest, since=1h, after=N, last=100 …",
      },
      filter: { type: "string", initial: "#", description: "A topic filter" },
      payload: {
        type: "boolean",
        initial: false,
        description: "Whether payloads are wanted, in base64: takes a token with the scope `write`",
      },
      limit: {
        type: "integer",
        minimum: 1,
        maximum: MESSAGES_MAX,
        initial: MESSAGES_INITIAL,
        description: "How many messages the answer has, at most",
      },
    },
    schema: pageSchema(MESSAGE_SCHEMA),
    handle: async ({ path, query, caller }) => {
      const hasPayload = query.payload as boolean;
      if (hasPayload && !mayDo(caller, "write")) {
        throw new RequestError(403, "Payloads take a token with the scope write", "payload");
      }
      const limit = query.limit as number;
      const position = query.position as string;
      const { messages, next } = await search(
        path.stream!,
        position,
        query.filter as string,
        limit,
      );
      const view = ({ seq, timeMs, topic, qos, retain, publisher, payload }: StreamMessage) => ({
        seq,
        time: new Date(timeMs).toISOString(),
        topic,
        qos,
        retain,
        bytes: payload.length,
        publisher,
        ...hasPayload ? { payload: payload.toBase64() } : {},
      });
      const meta = { limit, next: next === null ? null : `from=${next}` };
      return json({ data: messages.map(view), meta });
    },
  }];

  async function search(
    name: string,
    position: string,
    filter: string,
    limit: number,
  ): Promise<Found> {
    const stream = broker.stream(name);
    if (stream === null) {
      throw new RequestError(404, `There is no stream "${name.slice(0, 100)}"`, "stream");
    }
    const { clock } = inspection;
    const endMs = clock.now() + SEARCH_MS;
    const late = new AbortController();
    const found: Found = { messages: [], next: null };
    const pause = async () => {
      if (clock.now() >= endMs) late.abort();
      await inspection.nextTurn();
    };
    const options = { position, filter, isFinite: true, signal: late.signal, pause };
    let bytes = 0;
    try {
      for await (const message of stream.read(options)) {
        const { messages } = found;
        if (messages.length >= limit || bytes >= PAYLOAD_BYTES_MAX) {
          found.next = message.seq;
          break;
        }
        messages.push(message);
        bytes += message.payload.length;
        if (messages.length % MESSAGES_PER_TURN === 0) await pause();
      }
    } catch (error) {
      if (late.signal.aborted) {
        const last = found.messages.at(-1);
        if (last !== undefined) return { ...found, next: last.seq + 1 };
        throw new RequestError(503, "Nothing was found in time: begin at a later position");
      }
      if (error instanceof RangeError) throw new RequestError(400, error.message, "position");
      if (error instanceof TypeError) throw new RequestError(400, error.message, "filter");
      throw error;
    }
    return found;
  }
}
