/** The topic aliases that a client has set (§3.3.2.3.4). */
import { ProtocolError } from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { PacketLimitError } from "../limits/packet_limits.ts";
import type { ClientConnection } from "./client_connection.ts";

/** Removes aliases of topics that exceed the current limits of length or levels. */
export function dropAliasesBeyond(connection: ClientConnection): void {
  const { aliases, host } = connection;
  for (const [alias, route] of aliases ?? []) {
    if (!host.router.isBeyond(route)) continue;
    aliases!.delete(alias);
    connection.aliasBytes -= route.weight;
    host.memory.aliasBytes -= route.weight;
  }
}

/**
 * The route of the topic of an alias.
 *
 * @throws {ProtocolError} If the client has not set the alias.
 */
export function routeOfAlias(
  { aliases }: Pick<ClientConnection, "aliases">,
  alias: number,
): Route<Receiver> {
  const known = aliases?.get(alias);
  if (known !== undefined) return known;
  throw new ProtocolError(`Topic alias ${alias} is not set`, 0, "MQTT-3.3.2-7");
}

/** Sets the topic of an alias, if there is memory for it. */
export function setAlias(
  connection: ClientConnection,
  alias: number,
  route: Route<Receiver>,
): void {
  const { context, host } = connection;
  const aliases = connection.aliases ??= new Map();
  const before = aliases.get(alias);
  if (before === route) return;
  const growth = route.weight - (before?.weight ?? 0);
  const isTooMuch = connection.aliasBytes + growth > context.limits.topicAliasBytesMax;
  if (growth > 0 && (isTooMuch || !host.memory.mayGrow("table", growth))) {
    const text = "The topics of all aliases take too much memory";
    throw new PacketLimitError(isTooMuch ? "topic-aliases" : "memory", text);
  }
  aliases.set(alias, route);
  connection.aliasBytes += growth;
  host.memory.aliasBytes += growth;
}

/** The client is gone: releases its aliases in both directions. */
export function releaseAliases(connection: ClientConnection): void {
  connection.host.memory.aliasBytes -= connection.aliasBytes;
  connection.aliasBytes = 0;
  connection.sender?.release();
}
