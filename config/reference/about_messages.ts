/** What the words about messages, their limits and the log are for. */
import { DEFAULT_LIMITS } from "../../broker/base/limits.ts";
import { AS_2_1, MANY, type Subject } from "./about.ts";

/** Words about messages, limits and the log. */
export const MESSAGE_SUBJECTS: readonly Subject[] = [
  {
    title: "Limits",
    intro:
      "These are the words of mosquitto. [Every limit of the broker](#every-limit) has a word " +
      "too; if both are given, the word of this table counts.",
    words: {
      max_inflight_messages: {
        unset: count(DEFAULT_LIMITS.inflightMax),
        text: "Messages to one client that it has not acknowledged, and as many from it. 20 in " +
          "mosquitto. 0 means as many as there are packet identifiers.",
      },
      max_queued_messages: {
        unset: count(DEFAULT_LIMITS.backlogMessagesMax),
        text: "Messages that wait for one session. 1000 in mosquitto. 0 means no limit.",
      },
      max_queued_bytes: {
        unset: size(DEFAULT_LIMITS.backlogBytesMax),
        text: "The same in bytes. No limit in mosquitto. 0 means the default.",
      },
      fairway_overflow: {
        text: "What happens past these two limits, see " +
          "[how it works](how-it-works.md#what-bounds-memory). mosquitto drops the newest. Every " +
          "case is counted.",
      },
      max_packet_size: {
        unset: size(DEFAULT_LIMITS.packetBytesMax),
        text: "Bytes of a packet. No limit in mosquitto. Announced to 5.0 clients.",
      },
      message_size_limit: {
        text: "Bytes of a payload; 0 for no limit. The log says that `max_packet_size` is better.",
      },
      memory_limit: {
        text:
          "Bytes of memory for what clients make the broker hold; 0 for what fits the machine. " +
          "See [security](security.md#limits).",
      },
      max_keepalive: { text: "The longest keep alive of a client, in seconds." },
      persistent_client_expiration: {
        unset: "never",
        text: "When the session of a client that stays away ends. h, d, w, m (30 days), y (365 " +
          "days).",
      },
      global_max_connections: {
        text: `Connections of the whole broker; -1 for no limit. ${AS_2_1} The number of file ` +
          "descriptors is another limit.",
      },
      global_max_clients: {
        text: `Sessions of the whole broker; -1 for ${
          count(DEFAULT_LIMITS.sessionsMax)
        }. ${AS_2_1}`,
      },
    },
  },
  {
    title: "Persistence and delivery",
    words: {
      persistence: {
        text: "Sessions, their messages, retained messages and wills survive a restart. Fairway " +
          "writes to disk before it acknowledges; mosquitto writes at intervals.",
      },
      retained_persistence: { value: "as `persistence`", text: "Another name of `persistence`." },
      persistence_location: {
        unset: "the current folder",
        text: "Fairway uses the folder `fairway` below it, and does not read a `mosquitto.db`.",
      },
      fairway_data_dir: {
        unset: "see `persistence_location`",
        text: "The folder of the state itself.",
      },
      fairway_strict_store: {
        text: "The server refuses a damaged store. Without this, it recovers what is whole.",
      },
      retain_available: { text: "Whether clients may publish retained messages." },
      fairway_retain_expiry: {
        text:
          "How long retained messages stay that have no expiry of their own, from the time at " +
          `which they were published. ${MANY} The first one that matches the topic holds.`,
      },
      queue_qos0_messages: { text: "Whether messages of QoS 0 wait for clients that are away." },
      upgrade_outgoing_qos: {
        text: "Whether a message is sent with the QoS of the subscription, even if it was " +
          "published with a lower one.",
      },
      fairway_delayed: {
        text: "Whether what is published to `$delayed/SECONDS/TOPIC` is published to `TOPIC` " +
          "later. See [operating](operating.md#delayed-messages).",
      },
    },
  },
  {
    title: "Streams",
    intro: "[Streams](streams.md) keep what is published, to be read later. A line " +
      "`fairway_stream NAME` begins one, and the words after it belong to it, up to the next such " +
      "line. [Configuration](configuration.md#streams) has an example.",
    words: {
      fairway_stream: {
        value: "a name of 1 to 64 of A-Z a-z 0-9 _ . -",
        text: "Begins a stream. At least one topic and one of the first three limits are required.",
      },
      fairway_stream_topic: {
        text:
          `Topics that it keeps, without those that begin with \`$\`. ${MANY} A stream that is ` +
          "named by `fairway_stream_dead` may have none.",
      },
      fairway_stream_exclude: { text: `Topics that it leaves out. ${MANY}` },
      fairway_stream_max_age: { text: "How old messages get." },
      fairway_stream_max_bytes: { text: "How many bytes of messages it keeps." },
      fairway_stream_max_messages: { text: "How many messages it keeps." },
      fairway_stream_max_per_topic: { text: "How many messages of each topic it keeps." },
      fairway_stream_compact: {
        text:
          "`topic`: only the last message of each topic is kept, and an empty one deletes its " +
          "topic.",
      },
      fairway_stream_store: {
        text: "Where it is. Without `persistence true`, every stream is in memory. It cannot be " +
          "changed until the stream was removed.",
      },
      fairway_stream_dead: { text: "The stream that gets its dead letters." },
      fairway_stream_dead_reason: {
        text: `Messages that ordinary clients were not sent are dead letters too, for these ` +
          `reasons. ${MANY} See [streams](streams.md#dead-letters).`,
      },
      fairway_stream_max_deliver: {
        text: "How often a message is given to members of a group before it is a dead letter.",
      },
      fairway_stream_exclusive_group: {
        text: `A group that has one member at a time. ${MANY}`,
      },
      fairway_stream_remove: {
        value: "the name of a stream",
        text: `Removes a stream that is not declared any more, with all its messages. ${MANY}`,
      },
    },
  },
  {
    title: "Log and state",
    words: {
      log_dest: {
        text: `Where the log goes. ${MANY} \`syslog\` starts the program \`logger\`; see ` +
          "[operating](operating.md#logs). `dlt` is not supported. Under systemd, `stderr` " +
          "goes to the journal. `topic` means `$SYS/broker/log/E`, `W`, `N` and `I`; lines of " +
          "type `debug` are not published.",
      },
      log_type: {
        text: `What is logged. ${MANY} Fairway writes no lines of the types \`subscribe\`, ` +
          "`unsubscribe`, `websockets` and `internal`.",
      },
      log_timestamp: { text: "Whether a line begins with the time." },
      log_timestamp_format: { unset: "seconds since 1970", text: "How the time is written." },
      connection_messages: { text: "Whether clients that come and go are logged." },
      log_facility: {
        unset: "daemon",
        text: "The facility for `log_dest syslog`: local0 to local7.",
      },
      fairway_log_format: {
        text: "`json` writes each line as a JSON object. See [operating](operating.md#logs).",
      },
      fairway_presence: {
        text: "Whether clients that come and go are published in `$SYS/broker/clients/…`. See " +
          "[operating](operating.md#sys).",
      },
      sys_interval: {
        text:
          "Seconds between updates of `$SYS/broker/…`; 0 for none. `publish/bytes/sent` counts " +
          "whole packets. See [operating](operating.md#sys).",
      },
      pid_file: { text: "Has the process number, mode 0600. Removed when the server stops." },
      user: {
        unset: "any user",
        text: "Fairway never changes its user. If it is started as root and another user is set " +
          "here, it refuses to start, and says how to start it.",
      },
      include_dir: {
        value: "the path of a folder",
        text: "Reads the files of the folder whose names end in `.conf`, at this place.",
      },
    },
  },
];

/** A number with commas. */
function count(number: number): string {
  return number.toLocaleString("en");
}

function size(bytes: number): string {
  return `${bytes / 2 ** 20} MiB`;
}
