/**
 * Bans: clients that are refused until a time.
 *
 * @module
 */
import { ReasonCode } from "../../codec/mod.ts";
import type { Ban, BanKind } from "../../broker/limits/ban_list.ts";
import { json, noContent } from "../http/http_responses.ts";
import { RequestError } from "../http/request_error.ts";
import type { Route, Schema } from "../http/routes.ts";
import type { Steps } from "../time_slices.ts";
import type { ApiParts } from "./api_parts.ts";
import { blockOf } from "./client_routes.ts";
import { answerPage, dataSchema, listOf } from "./page.ts";

const KINDS: readonly BanKind[] = ["clientId", "username", "address"];

const BAN_SCHEMA: Schema = {
  type: "object",
  required: ["id", "kind", "value", "until", "reason"],
  properties: {
    id: { type: "integer" },
    kind: { type: "string", enum: KINDS },
    value: { type: "string" },
    until: { type: ["string", "null"], format: "date-time", description: "null for ever" },
    reason: { type: "string" },
  },
};

/** The routes. */
export function banRoutes({ inspection, slices }: ApiParts): Route[] {
  const { bans, clock } = inspection;
  const view = ({ id, kind, value, untilMs, reason }: Ban) => ({
    id,
    kind,
    value,
    until: untilMs === Infinity ? null : inspection.timeOf(untilMs),
    reason,
  });
  return [{
    path: "/api/v1/bans",
    id: "listBans",
    summary: "The bans in effect, the newest first",
    ...listOf(BAN_SCHEMA),
    handle: ({ query }) => {
      const place = ({ id }: Ban) => ({ rank: id, key: "" });
      return answerPage(slices, query, { entries: bans.all(), place, view });
    },
  }, {
    method: "POST",
    path: "/api/v1/bans",
    scope: "write",
    id: "addBan",
    summary: "Bans clients, and disconnects those that are connected",
    body: {
      clientId: { type: "string", description: "The client with this identifier" },
      username: { type: "string", description: "Clients with this user name" },
      address: { type: "string", description: "Clients at this address, or in this block of them" },
      seconds: {
        type: "integer",
        minimum: 1,
        maximum: 1_000_000_000,
        description: "How long it holds; without, until it is deleted",
      },
      reason: { type: "string", lengthMax: 1000, description: "Why, for operators" },
    },
    status: 201,
    schema: dataSchema(BAN_SCHEMA),
    handle: async ({ body }) => {
      const [kind, ...others] = KINDS.filter((one) => body[one] !== undefined);
      if (kind === undefined || others.length > 0) {
        throw new RequestError(400, `Expects one of ${KINDS.join(", ")}`, others[0] ?? "clientId");
      }
      const value = body[kind] as string;
      if (kind === "address") blockOf(value);
      const untilMs = body.seconds === undefined
        ? Infinity
        : clock.now() + (body.seconds as number) * 1000;
      const ban = added(() =>
        bans.add({ kind, value, untilMs, reason: (body.reason ?? "") as string })
      );
      await slices.run(disconnectBanned());
      await whenStored();
      return json({ data: view(ban) }, 201);
    },
  }, {
    method: "DELETE",
    path: "/api/v1/bans/:id",
    places: { id: "The number of the ban" },
    scope: "write",
    id: "deleteBan",
    summary: "Ends a ban",
    status: 204,
    handle: async ({ path }) => {
      if (bans.delete(Number(path.id)) === null) {
        throw new RequestError(404, `There is no ban ${path.id!.slice(0, 100)}`, "id");
      }
      await whenStored();
      return noContent();
    },
  }];

  async function whenStored(): Promise<void> {
    if (await inspection.whenStored()) return;
    throw new RequestError(
      503,
      "It is in effect; the store has not taken it yet, and will be asked again",
    );
  }

  function* disconnectBanned(): Steps<void> {
    for (const session of inspection.sessions()) {
      const client = session.connection?.client;
      if (client !== undefined && bans.isBanned(client)) {
        session.disconnect(ReasonCode.AdministrativeAction, null);
      }
      yield;
    }
  }
}

function added(add: () => Ban): Ban {
  try {
    return add();
  } catch (error) {
    if (error instanceof RangeError) throw new RequestError(409, error.message);
    throw error;
  }
}
