import type { ClientInfo, ConnectRequest } from "../authenticator.ts";
import type { PublishRequest, SubscribeRequest } from "../authorizer.ts";

const encoder = new TextEncoder();

/** A client that asks for nothing in particular. */
export const client: ClientInfo = {
  clientId: "client",
  username: "ann",
  address: "memory",
  protocolVersion: 5,
};

/** What a test says of a CONNECT. */
export interface RequestFields {
  clientId?: string;
  username?: string | null;
  password?: string | null;
}

/** A CONNECT; without fields an anonymous one. */
export function request(fields: RequestFields = {}): ConnectRequest {
  const { clientId = "client", username = null, password = null } = fields;
  return {
    ...client,
    clientId,
    username,
    password: password === null ? null : encoder.encode(password),
    userProperties: [],
  };
}

/** A plain publication. */
export function publication(topic: string): PublishRequest {
  return { topic, qos: 0, retain: false, will: false };
}

/** A plain subscription. */
export function subscription(filter: string): SubscribeRequest {
  return { filter, qos: 0, group: null };
}
