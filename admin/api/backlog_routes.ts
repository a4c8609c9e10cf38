/**
 * Lists the messages that wait for a client.
 *
 * @module
 */
import type { Inspection } from "../../broker/inspection.ts";
import type {
  BacklogLook,
  BacklogPlace,
  WaitingMessage,
} from "../../broker/delivery/waiting_message.ts";
import { mayDo } from "../access/caller.ts";
import { json } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route, Schema } from "../http/routes.ts";
import type { Steps, TimeSlices } from "../time_slices.ts";
import type { ApiParts } from "./api_parts.ts";
import { cursorOf, listOf, pageRequest } from "./page.ts";

/** Payloads of a page, in bytes: it ends with the message that exceeds it. */
const PAYLOAD_BYTES_MAX = 1024 * 1024;
/** The time limit of a page, in milliseconds, because a damaged disk may not answer. */
const LOOK_MS = 5000;

const WAITING_SCHEMA: Schema = {
  type: "object",
  required: ["topic", "qos", "bytes", "expires"],
  properties: {
    topic: { type: "string" },
    qos: {
      type: "integer",
      enum: [0, 1, 2],
      description: "The QoS with which it was published",
    },
    isRetained: { type: "boolean", description: "Whether it was published with RETAIN" },
    bytes: { type: "integer", description: "Size of the payload" },
    publisher: { type: ["string", "null"], description: "The client identifier, if it is known" },
    expires: { type: ["string", "null"], format: "date-time" },
    shared: {
      type: ["string", "null"],
      description: "The shared subscription that it was chosen for; null for none",
    },
    payload: { type: "string", description: "In base64; only with `payload=true`" },
  },
};

/** The routes. */
export function backlogRoutes({ inspection, slices }: ApiParts): Route[] {
  return [{
    path: "/api/v1/clients/:id/backlog",
    places: { id: "The client identifier" },
    id: "listBacklog",
    summary: "The messages that wait for a client, the oldest first; nothing is taken",
    ...listOf(WAITING_SCHEMA, {
      payload: {
        type: "boolean",
        initial: false,
        description: "Whether payloads are wanted, in base64: takes a token with the scope `write`",
      },
    }),
    handle: async ({ path, query, caller }) => {
      const isOpen = query.payload as boolean;
      if (isOpen && !mayDo(caller, "write")) {
        throw new RequestError(403, "Payloads take a token with the scope write", "payload");
      }
      const session = inspection.session(path.id!);
      if (session === null) {
        throw new RequestError(404, `There is no client "${path.id!.slice(0, 100)}"`, "id");
      }
      const { limit, after } = pageRequest(query);
      const look = session.look(after === null ? null : placeOf(after));
      const page = new BacklogPage(limit, isOpen);
      await inTime(inspection, fill(page, look, slices));
      const view = (one: WaitingMessage) => viewOf(one, inspection, isOpen);
      return json({ data: page.messages.map(view), meta: { limit, next: page.next } });
    },
  }];
}

/** The messages of one answer. */
class BacklogPage {
  readonly messages: WaitingMessage[] = [];
  /** The cursor of the next page; `null` if this is the last one. */
  next: string | null = null;
  readonly #limit: number;
  readonly #isOpen: boolean;
  #bytes = 0;

  constructor(limit: number, isOpen: boolean) {
    this.#limit = limit;
    this.#isOpen = isOpen;
  }

  /** Adds a message. Returns whether there was room for it. */
  add(one: WaitingMessage): boolean {
    const last = this.messages.at(-1);
    if (last !== undefined && (this.messages.length >= this.#limit || this.#isFull)) {
      this.next = cursorOf({ rank: last.place[0], key: `${last.place[1]}` });
      return false;
    }
    this.messages.push(one);
    this.#bytes += one.message.payloadBytes;
    return true;
  }

  get #isFull(): boolean {
    return this.#isOpen && this.#bytes >= PAYLOAD_BYTES_MAX;
  }
}

/** Fills a page in slices of time. */
async function fill(page: BacklogPage, look: BacklogLook, slices: TimeSlices): Promise<void> {
  for (;;) {
    const load = await slices.run(untilLoad(page, look));
    if (load === null) return;
    await load;
  }
}

/** Fills a page, until something must be loaded first; `null` when the page is full. */
function* untilLoad(page: BacklogPage, look: BacklogLook): Steps<Promise<void> | null> {
  for (;;) {
    const { done, value } = look.next();
    if (done) return null;
    if (value instanceof Promise) return value;
    if (value !== null && !page.add(value)) return null;
    yield;
  }
}

/** @throws {RequestError} 503 if it takes too long. */
async function inTime({ clock }: Inspection, filling: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<"late">();
  const cancel = clock.schedule(clock.now() + LOOK_MS, () => late.resolve("late"));
  try {
    if (await Promise.race([filling, late.promise]) !== "late") return;
    filling.catch(() => {});
    throw new RequestError(503, "The store does not give the messages in time");
  } finally {
    cancel();
  }
}

/** @throws {RequestError} 400 if the cursor is not from a backlog. */
function placeOf({ rank, key }: { readonly rank: number; readonly key: string }): BacklogPlace {
  const index = Number(key);
  if (Number.isSafeInteger(rank) && Number.isSafeInteger(index)) return [rank, index];
  throw new RequestError(400, '"cursor" expects the meta.next of another page', "cursor");
}

function viewOf(
  { message, variant }: WaitingMessage,
  inspection: Inspection,
  isOpen: boolean,
): unknown {
  const { name, qos, retain, payloadBytes, publisher, deadlineMs, payload } = message;
  return {
    topic: name,
    qos,
    isRetained: retain,
    bytes: payloadBytes,
    publisher,
    expires: deadlineMs === Infinity ? null : inspection.timeOf(deadlineMs),
    shared: variant.shared,
    ...isOpen ? { payload: payload.toBase64() } : {},
  };
}
