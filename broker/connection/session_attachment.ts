/** Attaches a client to its session, sends CONNACK, and waits for the commit. */
import { ReasonCode } from "../../codec/mod.ts";
import type { Commit } from "../base/commit.ts";
import { SESSION_BYTES, SESSION_STATE_BYTES } from "../base/memory_costs.ts";
import { OutboundAliases } from "../delivery/outbound_aliases.ts";
import { DeliverSender } from "../delivery/deliver_sender.ts";
import { type MessageSender, PublishSender } from "../delivery/publish_sender.ts";
import type { Session } from "../session/session.ts";
import { willBytes } from "../session/pending_will.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { Admission } from "./connect_admission.ts";
import { ConnectRefusal } from "./connect_refusal.ts";
import { ownWill } from "./own_will.ts";
import { sendControl } from "./responses.ts";

const UNSTORED = new ConnectRefusal(ReasonCode.QuotaExceeded, "The session cannot be stored");
const NO_MEMORY = new ConnectRefusal(
  ReasonCode.ServerUnavailable,
  "The broker has no memory for another session",
);
const TOO_MANY_SESSIONS = new ConnectRefusal(ReasonCode.QuotaExceeded, "Too many sessions");

/** The session of a client, after it was attached. */
export interface Attachment {
  readonly session: Session;
  /** Whether the session existed before [MQTT-3.2.2-3]. */
  readonly isPresent: boolean;
  /** The commit that must be on the disk before CONNACK leaves; `null` for none. */
  readonly commit: Commit | null;
}

/**
 * Refuses a client that needs the store while the store fails, because each attempt would leave
 * rows behind.
 */
export function checkStorable(
  { host }: ClientConnection,
  { packet: { will, cleanStart }, client, expirySeconds }: Admission,
): ConnectRefusal | null {
  if (host.journal === null || !host.journal.isFailing) return null;
  const outlives = expirySeconds > 0;
  const old = host.sessions.get(client.clientId);
  const isStoredAnew = old === undefined
    ? outlives
    : (cleanStart && (outlives || old.isDurable)) || !old.queue.isStored;
  return will !== null || isStoredAnew ? UNSTORED : null;
}

/**
 * Gives the client its session, the old one or a new one, and sends CONNACK. Nothing here waits, so
 * no other connection can claim the session in between.
 */
export function attachSession(
  connection: ClientConnection,
  admission: Admission,
): Attachment | ConnectRefusal {
  const { packet, client, access, expirySeconds } = admission;
  const { sessions, journal } = connection.host;
  if (!hasMemory(connection, admission)) return NO_MEMORY;
  const old = sessions.get(client.clientId);
  const isToStore = packet.will !== null || expirySeconds > 0 || (old?.isDurable ?? false);
  const [session, isPresent] = sessionFor(connection, admission);
  if (session === null) {
    connection.reportLimit("sessions");
    return TOO_MANY_SESSIONS;
  }
  connection.bind(session, senderFor(connection, admission));
  sessions.setUser(session, client.username);
  session.permit(access);
  session.expirySeconds = expirySeconds;
  sessions.wills.set(session, ownWill(packet.will));
  // MQTT 3.1 has no Session Present, but another node needs it.
  const sessionPresent = isPresent && (connection.version > 3 || connection.policy.peer !== null);
  sendControl(connection, { ...admission.connack, sessionPresent });
  connection.keepAlive(admission.keepAlive);
  const receiveMaximum = packet.properties.receiveMaximum ?? Infinity;
  session.attach(connection, Math.min(receiveMaximum, connection.policy.inflightMax));

  // A session that is already stored needs no commit, and a commit would fail now.
  const isAsBefore = journal?.isFailing && isStoredAsItIs(session, isPresent);
  const commit = isToStore && !isAsBefore ? journal?.latest ?? null : null;
  if (commit !== null) connection.outbox.hold();
  return { session, isPresent, commit };
}

/**
 * Waits for the commit that CONNACK needs, and then lets CONNACK leave.
 *
 * @returns Whether the session is stored. If not, it is removed again; a refusal is returned if the
 * client must be told.
 */
export async function storeSession(
  connection: ClientConnection,
  { session, isPresent }: Attachment,
  commit: Commit,
): Promise<boolean | ConnectRefusal> {
  const { outbox, host } = connection;
  await commit.over;
  const isSafe = commit.error === null || isStoredAsItIs(session, isPresent);
  if (!isSafe) outbox.control.discard();
  outbox.release();
  if (isSafe) return true;
  // Another connection may have taken over the session, and gets a CONNACK of its own.
  if (session.link !== connection) return false;
  host.sessions.wills.set(session, null);
  if (!session.queue.isStored) session.expirySeconds = 0;
  return UNSTORED;
}

/** Whether there is memory for a new session, and for the will. */
function hasMemory(
  { context, host, peer }: ClientConnection,
  { packet: { will }, client: { clientId } }: Admission,
): boolean {
  const isNew = host.sessions.get(clientId) === undefined;
  if (!isNew && will === null) return true;
  const size = isNew ? SESSION_BYTES + SESSION_STATE_BYTES + 2 * clientId.length : 0;
  if (host.memory.mayGrow("session", size + willBytes(will))) return true;
  context.reportLimit("memory", peer.address, clientId);
  return false;
}

/** The session, and whether it existed before; `null` if there are too many. */
function sessionFor(
  { context, host: { sessions } }: ClientConnection,
  { packet: { cleanStart }, client: { clientId }, expirySeconds }: Admission,
): [Session | null, boolean] {
  const old = sessions.get(clientId);
  if (old !== undefined && cleanStart) sessions.end(old);
  else if (old !== undefined) {
    sessions.resume(old);
    return [old, true];
  }
  if (sessions.size >= context.limits.sessionsMax) return [null, false];
  return [sessions.create(clientId, expirySeconds > 0), false];
}

function senderFor(
  { context, host, outbox, policy, version, wire }: ClientConnection,
  { packet, client }: Admission,
): MessageSender {
  const aliasMax = Math.min(packet.properties.topicAliasMaximum ?? 0, policy.topicAliasMax);
  const sender = new PublishSender(
    outbox,
    context.clock,
    version,
    wire.packetBytesMax,
    aliasMax === 0 ? null : new OutboundAliases(aliasMax, context.limits, host.memory),
    policy.mount?.bytes.length ?? 0,
  );
  const { deliver } = context.settings;
  // What the other node sends on is transformed there.
  return deliver === null || policy.peer !== null
    ? sender
    : new DeliverSender(sender, context, deliver, client);
}

/** Whether a resumed session is in the store, so that its waiting messages can be loaded. */
function isStoredAsItIs(session: Session, isPresent: boolean): boolean {
  return isPresent && session.queue.isStored && session.will === null;
}
