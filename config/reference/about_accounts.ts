/** What the words about accounts and rules are for. */
import { AS_2_1, MANY, type Subject } from "./about.ts";

/** Words about who may do what. */
export const ACCOUNT_SUBJECTS: readonly Subject[] = [
  {
    title: "Accounts and rules",
    intro: "[Accounts](accounts.md) describes the two files.",
    words: {
      per_listener_settings: {
        text: "Whether the words marked _who_ belong to each listener. It must come before them.",
      },
      allow_anonymous: {
        unset: "false; true if the file says nothing about listeners",
        text: "Whether a client needs no user name. Without a `password_file` it is about every " +
          "client.",
      },
      listener_allow_anonymous: { unset: "as `allow_anonymous`", text: AS_2_1 },
      password_file: { text: "Accounts, as `mosquitto_passwd` writes them." },
      acl_file: {
        unset: "everything is allowed",
        text: "What each client may do. Only the broker publishes below `$SYS`, whatever it says.",
      },
      clientid_prefixes: {
        unset: "any",
        text: "What client identifiers must start with. Deprecated; the log says so.",
      },
      allow_zero_length_clientid: {
        text: "Whether the broker makes up an identifier for a 3.1.1 client that has none.",
      },
      auto_id_prefix: { unset: "`auto-`", text: "What such an identifier starts with." },
      listener_auto_id_prefix: { unset: "as `auto_id_prefix`", text: AS_2_1 },
    },
  },
  {
    title: "Other ways to authenticate",
    intro: "The server asks those that are configured one after the other, until one decides. " +
      "[Authentication](authentication.md) describes each of them.",
    words: {
      fairway_dynamic_security_file: {
        text: "[Dynamic security](dynamic-security.md): accounts, groups and roles that " +
          "administrators change while the broker runs. The file is imported once. mosquitto's " +
          "lines do the same: `plugin`, `global_plugin` or `auth_plugin` with " +
          "`mosquitto_dynamic_security.so`, then `plugin_opt_config_file` or " +
          "`auth_opt_config_file`.",
      },
      fairway_scram_file: {
        text: "Credentials for SCRAM-SHA-256, by the enhanced authentication of 5.0.",
      },
      fairway_jwt_secret_file: {
        text:
          "The secret of tokens (JWT). Give one of these four. A connection with a token lasts " +
          "until that expires. Needs the package `jose`, which Deno downloads.",
      },
      fairway_jwt_key_file: { text: "Public keys of tokens, in PEM." },
      fairway_jwt_jwks_file: { text: "A set of keys of tokens (JWKS)." },
      fairway_jwt_jwks_url: { text: "The URL of such a set." },
      fairway_jwt_issuer: { unset: "any", text: `Who makes the tokens (\`iss\`). ${MANY}` },
      fairway_jwt_audience: { unset: "any", text: `For whom the tokens are (\`aud\`). ${MANY}` },
      fairway_jwt_username_claim: { unset: "`sub`", text: "The claim with the user name." },
      fairway_jwt_acl_claim: { text: "The claim that says what the client may do." },
      fairway_jwt_token_in: { text: "Where a client puts its token." },
      fairway_http_auth_url: { text: "A service over HTTP that decides who may connect." },
      fairway_http_acl_url: {
        text: "A service that decides what clients may do. With an `acl_file` as well, both must " +
          "allow an action.",
      },
      fairway_http_timeout_ms: { text: "How long the service may take, in milliseconds." },
      fairway_http_fail_open: {
        text: "Whether everything is allowed while the service does not answer.",
      },
    },
  },
];
