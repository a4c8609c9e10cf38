/**
 * The part of MQTT.js the tests use, as its documentation has it. Its own declarations bring
 * Node's along, whose globals then hold for the whole program, and cost seconds to check.
 *
 * @module
 */

/** The quality of service. */
export type QoS = 0 | 1 | 2;

/** Properties of an MQTT 5 packet, by MQTT.js's names. */
export type Properties = Record<string, unknown>;

/** Options of `connect()`. */
export interface ConnectOptions {
  protocol?: "mqtt" | "ws" | "wss";
  /** The path of the URL. */
  path?: string;
  /** TLS: authorities that are trusted, and the client's own certificate, in PEM. */
  ca?: string;
  cert?: string;
  key?: string;
  protocolVersion?: 3 | 4 | 5;
  clientId?: string;
  clean?: boolean;
  username?: string;
  password?: string;
  properties?: Properties;
  will?: { topic: string; payload: Uint8Array; qos?: QoS; retain?: boolean };
  /** Whether PUBLISH packets get topic aliases by themselves. */
  autoAssignTopicAlias?: boolean;
  /** Milliseconds before a lost connection is made anew; 0 for never. */
  reconnectPeriod?: number;
  timerVariant?: "auto" | "worker" | "native";
}

/** The broker's answer to CONNECT. */
export interface Connack {
  sessionPresent: boolean;
  properties?: Properties;
}

/** A PUBLISH packet that came. */
export interface Publish {
  qos: QoS;
  retain: boolean;
  properties?: Properties;
}

/** Options of a subscription. */
export interface SubscribeOptions {
  qos: QoS;
  /** No Local. */
  nl?: boolean;
  /** Retain Handling. */
  rh?: 0 | 1 | 2;
  properties?: Properties;
}

/** Options of a message. */
export interface PublishOptions {
  qos?: QoS;
  retain?: boolean;
  properties?: Properties;
}

/** An AUTH packet. */
export interface Auth {
  cmd: "auth";
  reasonCode: number;
  properties: { authenticationMethod: string; authenticationData: Uint8Array };
}

/** A client. */
export interface MqttClient {
  /** To be replaced: answers an AUTH packet with another. */
  handleAuth(packet: Auth, callback: (error: Error | null, answer?: Auth) => void): void;
  readonly connected: boolean;
  readonly stream: { destroy(): void };
  on(event: "connect", listener: (connack: Connack) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(
    event: "message",
    listener: (topic: string, payload: Uint8Array, packet: Publish) => void,
  ): void;
  once(event: "close", listener: () => void): void;
  publishAsync(topic: string, payload: string, options?: PublishOptions): Promise<unknown>;
  subscribeAsync(topic: string | string[], options?: SubscribeOptions): Promise<unknown>;
  unsubscribeAsync(topic: string | string[]): Promise<unknown>;
  endAsync(): Promise<void>;
}

declare const mqtt: { connect(url: string, options: ConnectOptions): MqttClient };
export default mqtt;
