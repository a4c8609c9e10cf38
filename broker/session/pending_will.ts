/** A will that is neither published nor deleted yet, and its memory. */
import type { Will } from "../../codec/mod.ts";
import { USER_PROPERTY_BYTES, WILL_BYTES } from "../base/memory_costs.ts";
import type { Deadline } from "../base/scheduler.ts";
import type { ClientAccess } from "./client_access.ts";

/** The client of a will. */
export interface WillClient {
  readonly clientId: string;
  /** The user name of the client; `null` for none, or if unknown. */
  readonly username: string | null;
  /** What the client may do; `null` for everything. */
  readonly access: ClientAccess | null;
}

/** The holder of a will that can still be deleted: a session. */
export interface WillOwner extends WillClient {
  will: PendingWill | null;
}

/**
 * The will of one client, from CONNECT until it is published or deleted. Its session holds it until
 * it is due. If it cannot be published then, it waits without a session, because the session may
 * have another will by then. Its state is set by `wills.ts`, `access` by its session, and
 * `storedId` by the journal, so that no table maps wills to rows.
 */
export class PendingWill implements WillClient {
  readonly will: Will;
  readonly clientId: string;
  readonly username: string | null;
  /** The permissions of its client; they change when those of the session do. */
  access: ClientAccess | null;
  /** The session that holds it; `null` for none. */
  owner: WillOwner | null = null;
  /** The number of its row; 0 if it is not stored. */
  storedId = 0;
  /** Whether it is published or deleted, so that its row must be removed. */
  isOver = false;
  /** The time when it is due, or tried again; `null` if it never had to wait. */
  deadline: Deadline | null = null;
  /** When it is due, if its session was restored and has set no deadline yet. */
  restoredDueMs: number | null = null;

  constructor(will: Will, { clientId, username, access }: WillClient) {
    this.will = will;
    this.clientId = clientId;
    this.username = username;
    this.access = access;
  }

  /** When it is due, in milliseconds of the clock; `null` if it does not wait for a time. */
  get dueMs(): number | null {
    return this.deadline === null || this.deadline.index < 0 ? null : this.deadline.atMs;
  }
}

/** The memory of a will, in bytes. */
export function willBytes(will: Will | null): number {
  return will === null ? 0 : WILL_BYTES + 2 * will.topic.length + will.payload.length +
    propertiesBytes(will.properties);
}

/**
 * The memory of the properties of a will, in bytes: their size in a packet, and twice that for
 * texts.
 */
function propertiesBytes(properties: Will["properties"]): number {
  let bytes = (properties.correlationData?.length ?? 0) + (properties.contentType?.length ?? 0) +
    (properties.responseTopic?.length ?? 0);
  for (const [name, value] of properties.userProperties ?? []) {
    bytes += USER_PROPERTY_BYTES + name.length + value.length;
  }
  return bytes;
}
