/**
 * Whether the broker is alive, and whether it is ready for clients: for Docker, systemd and load
 * balancers, which have no token.
 *
 * @module
 */
import type { Readiness } from "../../broker/inspection.ts";
import { json } from "../http/http_responses.ts";
import type { Route } from "../http/routes.ts";

/** The state of the broker that health depends on. */
export interface HealthSource {
  readonly readiness: Readiness;
  /** The number of open listeners for MQTT; `null` if unknown. */
  readonly openListeners: number | null;
}

const SCHEMA = {
  type: "object",
  required: ["status"],
  properties: { status: { type: "string", enum: ["ok", "ready", "not ready"] } },
} as const;

/** `GET /health` and `GET /ready`. */
export function healthRoutes(source: HealthSource): Route[] {
  return [{
    method: "GET",
    path: "/health",
    scope: null,
    id: "getHealth",
    summary: "Whether the broker is alive: its event loop answers",
    schema: SCHEMA,
    handle: () => json({ status: "ok" }),
  }, {
    method: "GET",
    path: "/ready",
    scope: null,
    id: "getReady",
    summary: "Whether the broker is ready for clients; 503 if it is not, with the reasons",
    schema: {
      ...SCHEMA,
      properties: { ...SCHEMA.properties, reasons: { type: "array", items: { type: "string" } } },
    },
    handle: () => {
      const reasons = whyNotReady(source);
      const isReady = reasons.length === 0;
      return json({ status: isReady ? "ready" : "not ready", reasons }, isReady ? 200 : 503);
    },
  }];
}

/** The reasons why a broker is not ready for clients; empty if it is. */
function whyNotReady({ readiness, openListeners }: HealthSource): string[] {
  const { takesClients, takesWrites, hasMemory } = readiness;
  return [
    ...takesClients ? [] : ["new clients are refused: the broker is busy, or closes"],
    ...takesWrites ? [] : ["the store takes nothing more"],
    ...hasMemory ? [] : ["the budget of memory is used up"],
    ...openListeners === 0 ? ["no listener is open"] : [],
  ];
}
