/** What the words about listeners, TLS and sockets are for. */
import { AS_2_1, MANY, type Subject } from "./about.ts";

/** Words about listeners. */
export const LISTENER_SUBJECTS: readonly Subject[] = [
  {
    title: "Listeners",
    words: {
      listener: {
        value: "a port and an address or host name; or 0 and a path",
        text: "Begins a listener. Without an address it listens on every one, and a host name is " +
          "opened on each of its addresses. A path makes a Unix socket. Port 0 with an IP address " +
          "means any free port (not in mosquitto).",
      },
      port: {
        value: "a port",
        unset: "1883",
        text: "The port of the default listener. Deprecated; the log says so.",
      },
      bind_address: {
        value: "an address",
        unset: "every address",
        text: "The address of the default listener. Deprecated; the log says so.",
      },
      bind_interface: {
        text: "The listener is opened on each address of this network interface. Needs " +
          "`--allow-sys=networkInterfaces`.",
      },
      socket_domain: { unset: "both", text: "Which addresses of a name or interface are opened." },
      protocol: {
        text: "`http_api` is the [admin listener](operating.md). A Unix socket can have `mqtt` " +
          "only. A WebSocket may use any path, unless `fairway_websockets_path` names one.",
      },
      max_connections: {
        text: "How many clients the listener has at once; -1 for no limit. Past it, a client is " +
          "refused with 0x97 (3 in 3.x).",
      },
      max_qos: { text: "The highest QoS of its clients. 5.0 clients are told." },
      maximum_qos: { value: "as `max_qos`", text: "Another name of `max_qos`." },
      max_topic_alias: { text: "Topic aliases of a 5.0 connection, in each direction." },
      mount_point: {
        text: "A prefix for the topics of its clients. See [listeners](listeners.md).",
      },
      accept_protocol_versions: {
        unset: "all",
        text: `Versions of MQTT that its clients may use. ${AS_2_1}`,
      },
      use_username_as_clientid: {
        text: "The user name becomes the client identifier, so a user has one connection.",
      },
      websockets_origin: {
        unset: "any origin",
        text: `Web pages that may open a WebSocket, by their origin. ${MANY} ${AS_2_1}`,
      },
      fairway_websockets_path: {
        unset: "any path",
        text: "The path that a WebSocket must request.",
      },
      set_tcp_nodelay: {
        text: "No effect: the broker gathers bytes before it writes them, and TCP_NODELAY is " +
          "always on.",
      },
      fairway_socket_mode: {
        unset: "`0600`, whatever the umask is",
        text: "Permissions of a Unix socket.",
      },
      fairway_proxy_from: {
        text: `Proxies that send the PROXY protocol, each an address or a block of them. ${MANY}`,
      },
      fairway_proxy_others: {
        text: "What happens to connections from other addresses than those of the proxies.",
      },
      fairway_forwarded_for_from: {
        text: `Proxies whose \`X-Forwarded-For\` is trusted. ${MANY}`,
      },
      http_dir: {
        text:
          "Files that an admin listener serves beside the API, such as mosquitto's dashboard. " +
          AS_2_1,
      },
      fairway_admin_tokens: {
        text: "Tokens for an admin listener, as `deno task token` writes them. See " +
          "[operating](operating.md#who-may).",
      },
      fairway_admin_allow_anonymous: {
        text: "Whether everyone who reaches the admin listener may read and change everything.",
      },
      fairway_admin_host: {
        text: `A name under which the admin listener is reached, beside its addresses. ${MANY}`,
      },
      fairway_refuse_control_characters: {
        text:
          "A control character in a topic, a filter, a name or a property ends the connection " +
          "(0x81). Slower, because each string is checked.",
      },
      fairway_lenient: {
        text: "Small faults of clients are tolerated, and counted. See " +
          "[strict and lenient](how-it-works.md#strict-and-lenient).",
      },
    },
  },
  {
    title: "TLS",
    words: {
      certfile: {
        text:
          "The certificate of the server and its chain, in PEM. Give both this and `keyfile`, " +
          "or neither.",
      },
      keyfile: { text: "The key of the certificate, in PEM. It must not have a pass phrase." },
      cafile: {
        text:
          "Certificate authorities of clients. Without `require_certificate`, clients are not " +
          "asked for a certificate, as in mosquitto.",
      },
      capath: {
        text: "A folder with such authorities. Every file in it is used, whatever its name.",
      },
      require_certificate: { text: "Whether a client must have a certificate." },
      crlfile: {
        text:
          "Certificates that were revoked, in PEM. Needs a list from each authority that signs " +
          "client certificates. With an outdated list, no client is accepted.",
      },
      use_identity_as_username: {
        text:
          "The common name of the client's certificate is its user name. Clients are asked for " +
          "a certificate even without `require_certificate`. Not together with the next one.",
      },
      use_subject_as_username: { text: "The same, with the whole subject." },
      tls_version: { unset: "`tlsv1.2`", text: "The oldest version that is accepted." },
    },
  },
  {
    title: "Native sockets",
    intro: "See [transports](transports.md#native-sockets).",
    words: {
      fairway_native_sockets: {
        text: "Whether all listeners of MQTT have native sockets: they need Linux and the " +
          "permission `--allow-ffi`.",
      },
      fairway_native_backlog: {
        unset: "4,096",
        text: "How many connections may wait to be accepted. The kernel has a limit of its own, " +
          "`net.core.somaxconn`.",
      },
      fairway_native_reuse_port: {
        text: "Whether other processes may listen on the same ports; the kernel then shares the " +
          "connections out among them (`SO_REUSEPORT`).",
      },
      fairway_native_user_timeout_ms: {
        unset: "0",
        text: "How long sent bytes may stay unacknowledged before the connection is closed " +
          "(`TCP_USER_TIMEOUT`), in milliseconds; 0 for as long as the kernel tries.",
      },
      fairway_workers: {
        text: "How many brokers run, each in a thread of its own: they are one to every client. " +
          "`auto` is one for each core. Above 1 it needs `fairway_native_sockets true`. " +
          "See [workers](workers.md).",
      },
    },
  },
];
