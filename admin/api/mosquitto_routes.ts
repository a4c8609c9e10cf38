/**
 * The three routes of mosquitto 2.1, with its answers, for mosquitto's own dashboard.
 *
 * @module
 */
import { json, text } from "../http/http_responses.ts";
import type { Route } from "../http/routes.ts";
import { SYS_ALIASES } from "../sys_values.ts";
import type { MetricsSource } from "./metrics_source.ts";
import type { Operations } from "./operations.ts";

/** The routes. */
export function mosquittoRoutes(metrics: MetricsSource, operations: Operations): Route[] {
  return [{
    method: "GET",
    path: "/api/v1/systree",
    scope: "read",
    id: "getSystree",
    summary: "The values below $SYS/broker/, by their topics, as mosquitto 2.1 tells them",
    schema: { type: "object", additionalProperties: { type: ["number", "string"] } },
    handle: async () => {
      await metrics.refresh();
      // mosquitto's dashboard asks for the version and the averages of load as well, which
      // mosquitto 2.1.2 does not tell.
      const values = { ...metrics.sysValues(), version: operations.version ?? "" };
      const entries = Object.entries(values).filter(([topic]) => !SYS_ALIASES.includes(topic));
      return json(
        Object.fromEntries(entries.map(([topic, value]) => [`$SYS/broker/${topic}`, value])),
      );
    },
  }, {
    method: "GET",
    path: "/api/v1/listeners",
    scope: "read",
    id: "listListeners",
    summary: "The listeners, as mosquitto 2.1 tells them",
    schema: {
      type: "object",
      required: ["listeners"],
      properties: {
        listeners: {
          type: "array",
          items: {
            type: "object",
            required: ["protocol", "tls", "mtls", "allow_anonymous"],
            properties: {
              port: { type: "integer" },
              path: { type: "string" },
              protocol: { type: "string", enum: ["mqtt", "websockets", "httpapi"] },
              tls: { type: "boolean" },
              mtls: { type: "boolean" },
              allow_anonymous: { type: "boolean" },
            },
          },
        },
      },
    },
    handle: () => json({ listeners: operations.listeners?.() ?? [] }),
  }, {
    method: "GET",
    path: "/api/v1/version",
    scope: "read",
    id: "getVersion",
    summary: "The version of the broker",
    type: "text/plain",
    schema: { type: "string" },
    handle: () => text(/\d+\.\d+\.\d+\S*/.exec(operations.version ?? "")?.[0] ?? "0.0.0"),
  }];
}
