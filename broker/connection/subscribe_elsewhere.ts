/** Passes subscriptions to streams of another node on, and joins its answer with that of this one. */
import {
  packetSize,
  ReasonCode,
  type SubscribePacket,
  type SubscriptionRequest,
} from "../../codec/mod.ts";
import { topicFilterFault } from "../../router/topic.ts";
import { endSubscription } from "../session/subscriptions.ts";
import { hasOwnRights, OWN_RIGHTS_TEXT } from "../stream/own_rights.ts";
import type { RemoteAnswer } from "../stream/remote_subscribe.ts";
import type { ClientConnection } from "./client_connection.ts";
import { partsOf, propertyOf, REPLAY_PREFIX, streamFiltersOf } from "./plan_replays.ts";

/** What another node has answered about some filters of a SUBSCRIBE. */
export interface AnswerElsewhere extends RemoteAnswer {
  /** Which of the filters of the packet were passed on. */
  readonly isPassedOn: readonly boolean[];
}

/**
 * Passes on what reads streams, if another node has them. The rest of the packet is handled when the
 * answer has come. Until then other packets of the client are handled, because what was sent before
 * the answer may have to be acknowledged first.
 *
 * @param goOn Handles the rest of the packet, with the answer.
 * @returns Whether it has taken the packet: if not, nothing has happened.
 */
export function subscribeElsewhere(
  connection: ClientConnection,
  packet: SubscribePacket,
  goOn: (rest: SubscribePacket, answer: AnswerElsewhere) => PromiseLike<void> | null,
): boolean {
  const { host, context } = connection;
  if (host.remoteStreams.home === null) return false;
  const isPassedOn = streamFiltersOf(packet);
  if (isPassedOn === null) return false;
  const settle = async () => {
    const requests = packet.subscriptions.filter((_, i) => isPassedOn[i]);
    const answer = refusalOf(connection, requests) ?? await passOn(connection, packet, requests);
    if (answer === null || !connection.isOpen) return;
    replaceOrdinary(connection, requests, answer);
    const subscriptions = packet.subscriptions.filter((_, i) => !isPassedOn[i]);
    await goOn({ ...packet, subscriptions }, { ...answer, isPassedOn });
  };
  settle().catch((error) => {
    context.reportError(error);
    connection.disconnect(ReasonCode.UnspecifiedError);
  });
  return true;
}

function passOn(
  { host, session, policy }: ClientConnection,
  { properties }: SubscribePacket,
  requests: readonly SubscriptionRequest[],
): Promise<RemoteAnswer | null> {
  const named = propertyOf(properties.userProperties ?? [], "stream-name") ?? "";
  const known = requests.map(({ filter }) => {
    const [, topics] = partsOf(filter);
    if (!topics.startsWith(REPLAY_PREFIX)) {
      return { filter: mounted(policy, filter), stream: named };
    }
    return { filter, stream: topics.split("/")[1] ?? "" };
  });
  return host.remoteReplaysOf(session!).subscribe({ properties, requests, known });
}

/** A subscription replaces one with the same filter [MQTT-3.8.4-3]. */
function replaceOrdinary(
  { host, session, policy }: ClientConnection,
  requests: readonly SubscriptionRequest[],
  { reasonCodes }: RemoteAnswer,
): void {
  for (const [i, { filter }] of requests.entries()) {
    const known = mounted(policy, filter);
    if (reasonCodes[i]! < 0x80 && session!.subscriptions.has(known)) {
      endSubscription(host, session!, known);
    }
  }
}

/** A filter with the mount point; an invalid one, which the other node refuses, as it is. */
function mounted({ mount }: ClientConnection["policy"], filter: string): string {
  return mount === null || topicFilterFault(filter) !== null ? filter : mount.filter(filter);
}

/** Why nothing can be passed on; `null` if it can. */
function refusalOf(
  connection: ClientConnection,
  requests: readonly SubscriptionRequest[],
): RemoteAnswer | null {
  const { host, session, isBridge } = connection;
  const refused = (code: number, reasonString: string): RemoteAnswer => {
    const isTold = connection.version === 5 && connection.wantsReasons;
    const reasonCode = connection.version === 5 ? code : 0x80;
    return {
      reasonCodes: requests.map(() => reasonCode),
      properties: isTold ? { reasonString } : {},
    };
  };
  if (!host.remoteStreams.home!.isUp) {
    return refused(
      ReasonCode.ImplementationSpecificError,
      "The worker that has the streams does not run now: subscribe again later",
    );
  }
  if (!host.remoteReplaysOf(session!).mayAsk) {
    return refused(ReasonCode.QuotaExceeded, "Too many subscriptions wait for an answer");
  }
  if (isBridge || requests.some(({ noLocal }) => noLocal)) {
    return refused(
      ReasonCode.ImplementationSpecificError,
      "No Local cannot be had for a stream that another worker has",
    );
  }
  if (hasOwnRights(connection)) return refused(ReasonCode.NotAuthorized, OWN_RIGHTS_TEXT);
  return null;
}

/**
 * Joins the codes for the rest of the packet with those of the other node.
 *
 * @param codes The codes for the rest, in order.
 */
export function joinedCodes(
  codes: readonly number[],
  { isPassedOn, reasonCodes }: AnswerElsewhere,
): number[] {
  let passed = 0;
  let own = 0;
  return isPassedOn.map((isPassed) => (isPassed ? reasonCodes[passed++] : codes[own++]) ?? 0x80);
}

/** The properties of the other node's answer, if they fit into the whole one. */
export function propertiesElsewhere(
  connection: ClientConnection,
  packetId: number,
  reasonCodes: number[],
  { properties }: AnswerElsewhere,
): RemoteAnswer["properties"] {
  const suback = { type: "suback", packetId, reasonCodes, properties } as const;
  return packetSize(suback, connection.version) <= connection.wire.packetBytesMax ? properties : {};
}
