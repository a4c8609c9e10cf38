/**
 * The sources of the client as texts, for browsers: every file that `client/mod.ts` needs at run
 * time, without the sockets of Node. A test compares the list with the imports.
 *
 * @module
 */

/** The text of a file, loaded when it is asked for. */
export type LoadText = () => Promise<{ readonly default: string }>;

/** What loads each file, by its path. */
export const CLIENT_SOURCES: Readonly<Record<string, LoadText>> = {
  "auth/base64.ts": () => import("../../auth/base64.ts", { with: { type: "text" } }),
  "auth/salted_password.ts": () =>
    import("../../auth/salted_password.ts", { with: { type: "text" } }),
  "auth/saslprep.ts": () => import("../../auth/saslprep.ts", { with: { type: "text" } }),
  "auth/scram_message.ts": () => import("../../auth/scram_message.ts", { with: { type: "text" } }),
  "client/answer.ts": () => import("../../client/answer.ts", { with: { type: "text" } }),
  "client/authentication_exchange.ts": () =>
    import("../../client/authentication_exchange.ts", { with: { type: "text" } }),
  "client/backoff.ts": () => import("../../client/backoff.ts", { with: { type: "text" } }),
  "client/client.ts": () => import("../../client/client.ts", { with: { type: "text" } }),
  "client/connect.ts": () => import("../../client/connect.ts", { with: { type: "text" } }),
  "client/connection.ts": () => import("../../client/connection.ts", { with: { type: "text" } }),
  "client/dial.ts": () => import("../../client/dial.ts", { with: { type: "text" } }),
  "client/endpoint.ts": () => import("../../client/endpoint.ts", { with: { type: "text" } }),
  "client/errors.ts": () => import("../../client/errors.ts", { with: { type: "text" } }),
  "client/filter_table.ts": () =>
    import("../../client/filter_table.ts", { with: { type: "text" } }),
  "client/handshake.ts": () => import("../../client/handshake.ts", { with: { type: "text" } }),
  "client/incoming.ts": () => import("../../client/incoming.ts", { with: { type: "text" } }),
  "client/keep_alive.ts": () => import("../../client/keep_alive.ts", { with: { type: "text" } }),
  "client/lifecycle.ts": () => import("../../client/lifecycle.ts", { with: { type: "text" } }),
  "client/limits.ts": () => import("../../client/limits.ts", { with: { type: "text" } }),
  "client/link.ts": () => import("../../client/link.ts", { with: { type: "text" } }),
  "client/message.ts": () => import("../../client/message.ts", { with: { type: "text" } }),
  "client/mod.ts": () => import("../../client/mod.ts", { with: { type: "text" } }),
  "client/options.ts": () => import("../../client/options.ts", { with: { type: "text" } }),
  "client/outgoing.ts": () => import("../../client/outgoing.ts", { with: { type: "text" } }),
  "client/publish.ts": () => import("../../client/publish.ts", { with: { type: "text" } }),
  "client/read_pause.ts": () => import("../../client/read_pause.ts", { with: { type: "text" } }),
  "client/requests.ts": () => import("../../client/requests.ts", { with: { type: "text" } }),
  "client/scram.ts": () => import("../../client/scram.ts", { with: { type: "text" } }),
  "client/server_info.ts": () => import("../../client/server_info.ts", { with: { type: "text" } }),
  "client/session.ts": () => import("../../client/session.ts", { with: { type: "text" } }),
  "client/subscription.ts": () =>
    import("../../client/subscription.ts", { with: { type: "text" } }),
  "client/subscription_buffer.ts": () =>
    import("../../client/subscription_buffer.ts", { with: { type: "text" } }),
  "client/subscriptions.ts": () =>
    import("../../client/subscriptions.ts", { with: { type: "text" } }),
  "client/topic_aliases.ts": () =>
    import("../../client/topic_aliases.ts", { with: { type: "text" } }),
  "client/unmatched_messages.ts": () =>
    import("../../client/unmatched_messages.ts", { with: { type: "text" } }),
  "codec/ack.ts": () => import("../../codec/ack.ts", { with: { type: "text" } }),
  "codec/auth.ts": () => import("../../codec/auth.ts", { with: { type: "text" } }),
  "codec/bare_publish.ts": () => import("../../codec/bare_publish.ts", { with: { type: "text" } }),
  "codec/body_reader.ts": () => import("../../codec/body_reader.ts", { with: { type: "text" } }),
  "codec/connack.ts": () => import("../../codec/connack.ts", { with: { type: "text" } }),
  "codec/connect.ts": () => import("../../codec/connect.ts", { with: { type: "text" } }),
  "codec/disconnect.ts": () => import("../../codec/disconnect.ts", { with: { type: "text" } }),
  "codec/errors.ts": () => import("../../codec/errors.ts", { with: { type: "text" } }),
  "codec/fields.ts": () => import("../../codec/fields.ts", { with: { type: "text" } }),
  "codec/fixed_header.ts": () => import("../../codec/fixed_header.ts", { with: { type: "text" } }),
  "codec/forward.ts": () => import("../../codec/forward.ts", { with: { type: "text" } }),
  "codec/mod.ts": () => import("../../codec/mod.ts", { with: { type: "text" } }),
  "codec/packet.ts": () => import("../../codec/packet.ts", { with: { type: "text" } }),
  "codec/packet_reader.ts": () =>
    import("../../codec/packet_reader.ts", { with: { type: "text" } }),
  "codec/ping.ts": () => import("../../codec/ping.ts", { with: { type: "text" } }),
  "codec/properties.ts": () => import("../../codec/properties.ts", { with: { type: "text" } }),
  "codec/property_reader.ts": () =>
    import("../../codec/property_reader.ts", { with: { type: "text" } }),
  "codec/property_table.ts": () =>
    import("../../codec/property_table.ts", { with: { type: "text" } }),
  "codec/property_writer.ts": () =>
    import("../../codec/property_writer.ts", { with: { type: "text" } }),
  "codec/protocol.ts": () => import("../../codec/protocol.ts", { with: { type: "text" } }),
  "codec/publish.ts": () => import("../../codec/publish.ts", { with: { type: "text" } }),
  "codec/publish_view.ts": () => import("../../codec/publish_view.ts", { with: { type: "text" } }),
  "codec/reason_code.ts": () => import("../../codec/reason_code.ts", { with: { type: "text" } }),
  "codec/suback.ts": () => import("../../codec/suback.ts", { with: { type: "text" } }),
  "codec/subscribe.ts": () => import("../../codec/subscribe.ts", { with: { type: "text" } }),
  "codec/tolerance.ts": () => import("../../codec/tolerance.ts", { with: { type: "text" } }),
  "codec/unsuback.ts": () => import("../../codec/unsuback.ts", { with: { type: "text" } }),
  "codec/unsubscribe.ts": () => import("../../codec/unsubscribe.ts", { with: { type: "text" } }),
  "codec/utf8.ts": () => import("../../codec/utf8.ts", { with: { type: "text" } }),
  "codec/varint.ts": () => import("../../codec/varint.ts", { with: { type: "text" } }),
  "flow/inbound_window.ts": () =>
    import("../../flow/inbound_window.ts", { with: { type: "text" } }),
  "flow/outbound_window.ts": () =>
    import("../../flow/outbound_window.ts", { with: { type: "text" } }),
  "log/cursor.ts": () => import("../../log/cursor.ts", { with: { type: "text" } }),
  "log/log.ts": () => import("../../log/log.ts", { with: { type: "text" } }),
  "log/receipt.ts": () => import("../../log/receipt.ts", { with: { type: "text" } }),
  "log/segment.ts": () => import("../../log/segment.ts", { with: { type: "text" } }),
  "router/topic.ts": () => import("../../router/topic.ts", { with: { type: "text" } }),
  "transport/clock.ts": () => import("../../transport/clock.ts", { with: { type: "text" } }),
  "transport/read_queue.ts": () =>
    import("../../transport/read_queue.ts", { with: { type: "text" } }),
  "transport/websocket.ts": () =>
    import("../../transport/websocket.ts", { with: { type: "text" } }),
};
