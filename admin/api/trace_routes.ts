/**
 * `GET /api/v1/trace`: a live trace, as NDJSON.
 *
 * @module
 */
import type { Inspection } from "../../broker/inspection.ts";
import { topicFilterFault } from "../../router/topic.ts";
import { RequestError } from "../http/request_error.ts";
import { stream } from "../http/http_responses.ts";
import type { Route } from "../http/routes.ts";
import { TRACES_MAX, TraceStream } from "./trace_stream.ts";

/** The traces in progress. */
export class Traces {
  readonly #inspection: Inspection;
  readonly #open = new Set<TraceStream>();

  constructor(inspection: Inspection) {
    this.#inspection = inspection;
  }

  /** The route. */
  get routes(): Route[] {
    return [{
      method: "GET",
      path: "/api/v1/trace",
      scope: "read",
      id: "trace",
      summary: "What one client does, or what is published to a filter, live: a JSON object a line",
      type: "application/x-ndjson",
      schema: { type: "string" },
      query: {
        client: { type: "string", description: "The client identifier" },
        filter: { type: "string", description: "A topic filter" },
        seconds: {
          type: "integer",
          minimum: 1,
          maximum: 600,
          initial: 60,
          description: "How long it goes on",
        },
        rate: {
          type: "integer",
          minimum: 1,
          maximum: 1000,
          initial: 100,
          description: "Events a second, at most; more of them are counted as skipped",
        },
        payload: {
          type: "boolean",
          initial: false,
          description: "Whether payloads are shown, up to 4 KiB each; takes the scope write",
        },
      },
      handle: ({ request, query, caller }) => {
        const { client, filter, seconds, rate, payload } = query;
        if (client === undefined && filter === undefined) {
          throw new RequestError(400, 'Expects "client" or "filter"', "client");
        }
        const fault = filter === undefined ? null : topicFilterFault(filter as string);
        if (fault !== null) {
          throw new RequestError(400, `"filter" is no topic filter: ${fault}`, "filter");
        }
        if (payload === true && caller.scope !== "write") {
          throw new RequestError(403, '"payload" takes a token with the scope write', "payload");
        }
        if (this.#open.size >= TRACES_MAX) {
          throw new RequestError(429, `${TRACES_MAX} traces are under way already`);
        }
        const type = "application/x-ndjson";
        if (request.method === "HEAD") return stream(null, type);
        const trace = new TraceStream(this.#inspection, {
          clientId: (client ?? null) as string | null,
          filter: (filter ?? null) as string | null,
          seconds: seconds as number,
          rate: rate as number,
          showsPayload: payload as boolean,
        }, () => this.#open.delete(trace));
        this.#open.add(trace);
        return stream(trace.stream, type);
      },
    }];
  }

  /** Ends every trace. */
  close(): void {
    for (const trace of [...this.#open]) trace.end();
  }
}
