/** The bridges to other brokers, as they are now. */
import { json } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route, Schema } from "../http/routes.ts";
import type { ApiParts } from "./api_parts.ts";
import { answerPage, dataSchema, listOf } from "./page.ts";

const COUNT: Schema = { type: "integer" };

const BRIDGE_SCHEMA: Schema = {
  type: "object",
  required: ["name", "state", "since", "address", "lastError", "backlog", "counters"],
  properties: {
    name: { type: "string" },
    state: { type: "string", enum: ["connecting", "connected", "waiting", "idle", "stopped"] },
    since: { type: "string", format: "date-time", description: "Since when it is in this state" },
    address: { type: "string", description: "The address in use, or that was tried last" },
    remoteClientId: { type: "string" },
    localClientId: { type: "string", description: "The client whose session holds what waits" },
    lastError: { type: ["string", "null"], description: "Why it failed last" },
    backlog: { type: "integer", description: "Messages that wait, those in flight included" },
    backlogBytes: { type: "integer", description: "Their bytes, without those in flight" },
    lagSeconds: { type: "integer", description: "How long there was always something that waits" },
    counters: {
      type: "object",
      properties: {
        messagesOut: COUNT,
        messagesIn: COUNT,
        bytesOut: COUNT,
        bytesIn: COUNT,
        connects: COUNT,
        failures: COUNT,
        dropped: { type: "object", additionalProperties: COUNT },
      },
    },
  },
};

/** The routes. */
export function bridgeRoutes({ operations, slices }: ApiParts): Route[] {
  const bridges = () => operations.bridges?.() ?? [];
  return [{
    path: "/api/v1/bridges",
    id: "listBridges",
    summary: "The bridges to other brokers, as they are now",
    ...listOf(BRIDGE_SCHEMA),
    handle: ({ query }) =>
      answerPage(slices, query, {
        entries: bridges(),
        place: ({ name }) => ({ rank: 0, key: name }),
        view: (bridge) => ({ ...bridge }),
      }),
  }, {
    method: "GET",
    path: "/api/v1/bridges/:bridge",
    scope: "read",
    id: "getBridge",
    summary: "A bridge to another broker",
    places: { bridge: "The name of the bridge" },
    schema: dataSchema(BRIDGE_SCHEMA),
    handle({ path }) {
      const bridge = bridges().find(({ name }) => name === path.bridge);
      if (bridge !== undefined) return json({ data: bridge });
      throw new RequestError(404, `There is no bridge "${path.bridge!.slice(0, 100)}"`, "bridge");
    },
  }];
}
