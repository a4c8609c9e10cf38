/** What the words about bridges are for. */
import { MANY, type Subject } from "./about.ts";

/** Words about bridges. */
export const BRIDGE_SUBJECTS: readonly Subject[] = [
  {
    title: "Bridges",
    intro: "A [bridge](bridges.md) shares topics with another broker. A line `connection NAME` " +
      "begins one, and the words after it belong to it, up to the next such line. Each word has " +
      "the meaning of mosquitto 2.1, unless its line says otherwise. A reload ends and begins " +
      "those bridges alone that have changed.",
    words: {
      connection: {
        value: "the name of a bridge",
        text: "Begins a bridge. Without `remote_clientid` it is called `HOST.NAME` at the other " +
          "broker, which takes `--allow-sys=hostname`.",
      },
      address: {
        unset: "required",
        text:
          `Where the other broker is. The port is 1883 unless it is given. URLs are Fairway's ` +
          `own. ${MANY}`,
      },
      addresses: { value: "as `address`", text: "Another name of `address`." },
      topic: {
        unset: "required",
        text:
          `Topics that are shared: \`PATTERN [DIRECTION [QOS [LOCAL-PREFIX [REMOTE-PREFIX]]]]\`, ` +
          'with `out`, 0 and no prefixes by default. `""` stands for an empty pattern or prefix. ' +
          `\`\${1}\` in a prefix stands for the level of the first \`+\` of the pattern. ${MANY}`,
      },
      bridge_protocol_version: { text: "The version of MQTT that it speaks to the other broker." },
      cleansession: { text: "Whether the other broker forgets the bridge when it is away." },
      local_cleansession: { unset: "as `cleansession`", text: "The same for this broker." },
      start_type: { text: "When it connects: always, when enough waits, or once." },
      threshold: { text: "Messages that start a lazy bridge." },
      idle_timeout: { text: "Seconds without a message after which a lazy bridge disconnects." },
      restart_timeout: { text: "How long it waits before it connects again." },
      round_robin: { text: "Whether it goes through all addresses, or prefers the first." },
      keepalive_interval: { text: "Seconds of silence after which it sends a PINGREQ." },
      notifications: { text: "Whether it publishes its state, retained." },
      notifications_local_only: { text: "Whether it does so at this broker only." },
      notification_topic: {
        unset: "`$SYS/broker/connection/CLIENTID/state`",
        text: "The topic of its state.",
      },
      try_private: {
        text: "The bridge bit of 3.x. It is left out after a refusal for the protocol version.",
      },
      remote_clientid: {
        unset: "`HOST.NAME`",
        text: "Its client identifier at the other broker. mosquitto 2.0.11 does the same; its " +
          "manual says the reverse.",
      },
      clientid: { value: "as `remote_clientid`", text: "Another name of it." },
      remote_username: { text: "Its user name at the other broker." },
      username: { value: "as `remote_username`", text: "Another name of it." },
      remote_password: {
        text: "Its password there. It is not printed with the configuration in effect.",
      },
      password: { value: "as `remote_password`", text: "Another name of it." },
      local_clientid: {
        unset: "`local.` and the `remote_clientid`",
        text: "The session at this broker that holds what waits.",
      },
      local_username: { text: "Shown to operators." },
      local_password: {
        text: "No effect: at its own broker a bridge may do everything, as in mosquitto.",
      },
      bridge_attempt_unsubscribe: {
        text:
          "Whether it ends subscriptions of earlier settings. The UNSUBSCRIBE is sent only if " +
          "the other broker has kept the session.",
      },
      bridge_bind_address: {
        text: "The address of this machine that it connects from.",
      },
      bridge_max_packet_size: { text: "Bytes of a packet that it takes; 0 for no limit." },
      bridge_max_topic_alias: { text: "Topic aliases that it takes, in 5.0." },
      bridge_outgoing_retain: { text: "Whether it publishes with RETAIN at the other broker." },
      bridge_receive_maximum: {
        unset: "`max_inflight_messages`, or 20",
        text: "Messages in flight. It holds in both directions and versions.",
      },
      bridge_reload_type: { text: "Whether a changed bridge is begun anew at once, or later." },
      bridge_session_expiry_interval: {
        unset: "for ever, or 0 with `cleansession true`",
        text: "Seconds for which the other broker keeps its session, in 5.0. mosquitto's default " +
          "is 0, with which 5.0 keeps nothing.",
      },
      bridge_tcp_keepalive: {
        text: "Seconds of silence after which TCP probes begin. How often and how many is up to " +
          "the kernel: Deno cannot set it.",
      },
      bridge_tcp_user_timeout: {
        text: "Milliseconds for which what was sent may be without any answer until the " +
          "connection is given up; 0 for no limit. It is measured in packets of MQTT, not of TCP: " +
          "after half of the time the bridge sends PINGREQ.",
      },
      bridge_alpn: { text: "The protocol that it offers in the handshake of TLS." },
      bridge_cafile: {
        text: "Turns TLS on. The authorities of the runtime are trusted as well, except with " +
          "`fairway_bridge_proxy`, `bridge_bind_address`, `bridge_tcp_keepalive`, `bridge_alpn` or " +
          "`bridge_tls_version`.",
      },
      bridge_capath: { text: "The same, with every file of a folder." },
      bridge_certfile: { text: "Its certificate. Give both this and `bridge_keyfile`, or none." },
      bridge_keyfile: { text: "The key of its certificate." },
      bridge_insecure: {
        text: "Whether the name in the certificate of the other broker may be another one.",
      },
      bridge_require_ocsp: {
        text: "`true` stops the start: Deno shows no answer of OCSP, and to go on without one " +
          "would be less secure than what was asked for.",
      },
      bridge_tls_use_os_certs: {
        text: "Turns TLS on, with the authorities of the runtime (`DENO_TLS_CA_STORE=system` for " +
          "those of the system).",
      },
      bridge_tls_version: {
        unset: "`tlsv1.2`",
        text: "The oldest version of TLS. An other broker that is older is not connected to.",
      },
      fairway_bridge_proxy: {
        text: "An HTTP proxy that it connects through (CONNECT).",
      },
      fairway_bridge_messages_per_second: {
        text: "The most messages in a second to the other broker; 0 for no limit.",
      },
    },
  },
];
