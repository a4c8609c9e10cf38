import { assertEquals, assertStringIncludes } from "@std/assert";
import { printEffective } from "./print.ts";
import { parse } from "../testdata/conf.ts";

const CONFIGURATIONS = {
  "nothing": "",
  "a listener": "listener 1883\nallow_anonymous true",
  "the default listener": "port 1884\nbind_address 127.0.0.1\nmax_connections 5",
  "listeners of every kind":
    "listener 1\nlistener 2 ::1\nlistener 0 /run/a b.sock\nfairway_socket_mode 660\n" +
    "listener 3\nprotocol websockets\nwebsockets_origin a\nwebsockets_origin b\n" +
    "listener 4\ncertfile c\nkeyfile k\ncafile a\nrequire_certificate true\n" +
    "use_identity_as_username true\ntls_version tlsv1.3\naccept_protocol_versions 4 5\n",
  "security for each listener":
    "per_listener_settings true\nlistener 1\npassword_file p\nlistener 2\nallow_anonymous true\n" +
    "acl_file a\nauto_id_prefix x-",
  "everything global":
    "log_dest file /a b\nlog_dest topic\nlog_type none\nlog_timestamp_format %s\npid_file p\n" +
    "persistence true\npersistence_location /d\npersistent_client_expiration 2w\n" +
    "max_inflight_messages 5\nmax_packet_size 1000\nsys_interval 0\nclientid_prefixes a\n" +
    "fairway_limit_sessions_max 9\nfairway_overflow end-session",
};

for (const [name, text] of Object.entries(CONFIGURATIONS)) {
  Deno.test(`printEffective() writes what says the same: ${name}`, async () => {
    const configuration = await parse(text);
    const printed = printEffective(configuration);
    const again = await parse(printed);
    assertEquals(again.global, configuration.global);
    assertEquals(
      again.listeners.map(({ place: _, places: __, ...listener }) => listener),
      configuration.listeners.map(({ place: _, places: __, ...listener }) => listener),
    );
    assertEquals(printEffective(again), printed);
  });
}

Deno.test("printEffective() tells what is in effect, given or not", async () => {
  const printed = printEffective(await parse("listener 1883"));
  for (const line of ["sys_interval 10", "listener 1883", "allow_anonymous false", "max_qos 2"]) {
    assertStringIncludes(printed, `${line}\n`);
  }
});
