/** The side of a bridge that is a client of the other broker. */
import type { ConnectPacket, Properties, QoS, Will } from "../codec/mod.ts";
import { requestsOf } from "./local_leg.ts";
import type { Leg } from "./leg.ts";
import type { BridgeSettings } from "./options.ts";
import type { BridgeTopic } from "./options.ts";
import type { Reservations } from "./reservations.ts";
import { type TopicMap, topicMapOf } from "./topic_map.ts";

/** What the other broker has said about itself. */
export interface RemoteLimits {
  readonly sessionPresent: boolean;
  readonly keepAliveSeconds: number;
  readonly maximumQoS: QoS;
  readonly retainAvailable: boolean;
  readonly receiveMaximum: number;
  readonly packetBytesMax: number;
  readonly topicAliasMax: number;
}

const encoder = new TextEncoder();

/** The CONNECT to the other broker. */
export function remoteConnect(
  settings: BridgeSettings,
  { isPrivate, retains, willQoS }: Reservations,
  packetBytesMax: number,
): ConnectPacket {
  const { protocolVersion, remoteUsername, remotePassword } = settings;
  return {
    type: "connect",
    protocolVersion,
    isBridge: protocolVersion < 5 && settings.tryPrivate && isPrivate,
    cleanStart: settings.cleanSession,
    keepAlive: settings.keepAliveSeconds,
    clientId: settings.remoteClientId,
    properties: protocolVersion === 5 ? propertiesOf(settings, packetBytesMax) : {},
    will: tellsRemote(settings) ? willOf(settings, retains, willQoS) : null,
    username: remoteUsername,
    password: remotePassword === null ? null : encoder.encode(remotePassword),
  };
}

/** Whether the state of the connection is published at the other broker. */
export function tellsRemote({ notifications, notificationsLocalOnly }: BridgeSettings): boolean {
  return notifications && !notificationsLocalOnly;
}

function propertiesOf(settings: BridgeSettings, packetBytesMax: number): Properties {
  const { sessionExpirySeconds, receiveMaximum, topicAliasMax } = settings;
  return {
    receiveMaximum,
    maximumPacketSize: packetBytesMax,
    ...(topicAliasMax > 0 ? { topicAliasMaximum: topicAliasMax } : {}),
    ...(sessionExpirySeconds > 0 ? { sessionExpiryInterval: sessionExpirySeconds } : {}),
  };
}

function willOf({ notificationTopic }: BridgeSettings, retain: boolean, qos: 0 | 1): Will {
  return { topic: notificationTopic, payload: encoder.encode("0"), qos, retain, properties: {} };
}

/** What the other broker has said, with the defaults of the protocol. */
export function remoteLimits(leg: Leg, settings: BridgeSettings): RemoteLimits {
  const { sessionPresent, properties } = leg.connack;
  const { packetBytesMax, receiveMaximum } = settings;
  return {
    sessionPresent,
    keepAliveSeconds: properties.serverKeepAlive ?? settings.keepAliveSeconds,
    maximumQoS: properties.maximumQoS ?? 2,
    retainAvailable: properties.retainAvailable ?? true,
    receiveMaximum: Math.min(receiveMaximum, properties.receiveMaximum ?? receiveMaximum),
    packetBytesMax: Math.min(packetBytesMax || Infinity, properties.maximumPacketSize ?? Infinity),
    topicAliasMax: properties.topicAliasMaximum ?? 0,
  };
}

/** Says at the other broker that the bridge is connected. */
export async function announce(
  leg: Leg,
  { notificationTopic: topic }: BridgeSettings,
  { maximumQoS, retainAvailable: retain }: RemoteLimits,
): Promise<void> {
  const qos = Math.min(1, maximumQoS) as QoS;
  await leg.publish({ topic, payload: encoder.encode("1"), qos, retain, properties: {} });
}

/**
 * Subscribes at the other broker. With a session that goes on, only new subscriptions get retained
 * messages: in 5.0 by Retain Handling; in 3.x, where each SUBSCRIBE gets them, by leaving it out.
 *
 * @param subscribed The filters and QoS of an earlier connection; changed to those of now.
 * @returns The filters that were refused.
 */
export async function subscribeRemote(
  leg: Leg,
  settings: BridgeSettings,
  map: TopicMap,
  subscribed: Map<string, number>,
): Promise<string[]> {
  const { sessionPresent } = leg.connack;
  if (!sessionPresent) subscribed.clear();
  const is5 = settings.protocolVersion === 5;
  const wanted = requestsOf(map.in, 1);
  const old = sessionPresent ? oldFilters(settings, wanted.map(({ filter }) => filter)) : [];
  const gone = [...subscribed.keys()].filter((filter) =>
    !wanted.some((request) => request.filter === filter)
  );
  const ended = [...new Set([...old, ...gone])];
  if (ended.length > 0) await leg.unsubscribe(ended);
  const requests = wanted
    .filter(({ filter, qos }) => subscribed.get(filter) !== qos)
    .map((request) =>
      is5
        ? request
        : { ...request, noLocal: false, retainAsPublished: false, retainHandling: 0 as const }
    );
  subscribed.clear();
  const codes = requests.length === 0 ? [] : await leg.subscribe(requests);
  const refused = requests.filter((_, index) => codes[index]! >= 0x80).map(({ filter }) => filter);
  for (const { filter, qos } of wanted) if (!refused.includes(filter)) subscribed.set(filter, qos);
  return refused;
}

/** What only goes out may have been subscribed to by an earlier configuration. */
function oldFilters({ topics, attemptUnsubscribe }: BridgeSettings, wanted: string[]): string[] {
  if (!attemptUnsubscribe) return [];
  const out = topics.filter(({ direction = "out" }) => direction === "out");
  const turned = out.map((topic): BridgeTopic => ({ ...topic, direction: "in" }));
  const filters = turned.flatMap((topic) => {
    try {
      return topicMapOf([topic]).in.map(({ filter }) => filter);
    } catch {
      return [];
    }
  });
  return filters.filter((filter) => !wanted.includes(filter));
}
