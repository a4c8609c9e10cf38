/**
 * `/metrics`: what it tells, in which form, and that Prometheus reads it.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Broker } from "../../mod.ts";
import { listenAdmin } from "../../admin/mod.ts";
import { MemoryStore } from "../../store/memory_store.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { AdminStage, statusOf } from "./_admin.ts";

const DEADLINE_MS = 30_000;
const DASHBOARD = new URL("../../docs/grafana-dashboard.json", import.meta.url);
const GUIDE = new URL("../../docs/operating.md", import.meta.url);

/** Labels that a metric may have; their values are of closed sets. */
const LABELS = new Set([
  "reason",
  "packet",
  "listener",
  // The bridges of a configuration.
  "bridge",
  "state",
  "kind",
  "status",
  "version",
  "le",
]);

async function metrics(stage: AdminStage, query = ""): Promise<string> {
  const response = await stage.fetch(`/metrics${query}`);
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return await response.text();
}

/** The value of a line. */
function valueOf(text: string, name: string): number {
  const line = text.split("\n").find((line) => line.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? NaN);
}

/** Whether a program is installed; with CI=true it has to be. */
function isThere(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch {
    return Deno.env.get("CI") === "true";
  }
}

Deno.test("metrics count what clients do", async () => {
  await using stage = await AdminStage.open();
  const { port } = await stage.broker.listen({ port: 0, policy: { name: "lan" } });
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: "c" }));
  await client.expect("20 02 00 00");
  await client.send(packets.publish("a", "x"), packets.pingreq());
  await client.expect("d0 00");
  const text = await metrics(stage);
  assertEquals(valueOf(text, "fairway_clients"), 1);
  assertEquals(valueOf(text, 'fairway_packets_received_total{packet="publish"}'), 1);
  assertEquals(valueOf(text, 'fairway_packets_received_total{packet="other"}'), 2);
  assertEquals(valueOf(text, 'fairway_clients_by_listener{listener="lan"}'), 1);
  assertEquals(valueOf(text, 'fairway_sessions{state="connected"}'), 1);
  assertEquals(valueOf(text, 'fairway_messages_dropped_total{reason="lag"}'), 0);
  assertEquals(valueOf(text, "fairway_admin_skipped_lines_total"), 0);
  assert(valueOf(text, "fairway_resident_bytes") > 1_000_000);
});

Deno.test("metrics tell of every reason in the statistics, and every counter of them", async () => {
  await using stage = await AdminStage.open();
  const text = await metrics(stage);
  const { dropped, limited, tolerated } = stage.broker.stats;
  for (
    const [name, reasons] of Object.entries({
      fairway_messages_dropped_total: dropped,
      fairway_limits_reached_total: limited,
      fairway_faults_tolerated_total: tolerated,
    })
  ) {
    for (const reason of Object.keys(reasons)) {
      assertEquals(valueOf(text, `${name}{reason="${reason}"}`), 0, reason);
    }
  }
});

Deno.test("labels are of closed sets: no client makes another series", async () => {
  await using stage = await AdminStage.open();
  const { port } = await stage.broker.listen({ port: 0 });
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: 'evil"\n{id}' }));
  await client.expect("20 02 00 00");
  for (const line of (await metrics(stage)).trimEnd().split("\n")) {
    if (line.startsWith("#")) continue;
    assertMatch(line, /^[a-z_]+(\{[^{}]*\})? [-+.\de]+$/);
    for (const [, label] of line.matchAll(/[{,]([a-z]+)=/g)) assert(LABELS.has(label!), line);
  }
});

Deno.test("commits to the store are measured", async () => {
  await using broker = await Broker.open(new MemoryStore());
  await using admin = await listenAdmin(broker, { port: 0, allowAnonymous: true });
  await broker.publish("a", "kept", { qos: 1, retain: true });
  const text = await (await fetch(`http://127.0.0.1:${admin.port}/metrics`)).text();
  assert(valueOf(text, "fairway_commit_seconds_count") >= 1, text);
  assertEquals(
    valueOf(text, 'fairway_commit_rows_bucket{le="+Inf"}'),
    valueOf(text, "fairway_commit_rows_count"),
  );
});

Deno.test("?names=mosquitto gives the names of sapcc/mosquitto-exporter", async () => {
  await using stage = await AdminStage.open();
  const text = await metrics(stage, "?names=mosquitto");
  for (
    const name of [
      ...["uptime", "clients_connected", "clients_disconnected", "clients_total"],
      ...["clients_maximum", "clients_expired", "messages_received", "messages_sent"],
      ...["messages_stored", "store_messages_bytes", "bytes_received", "bytes_sent"],
      ...["publish_messages_received", "publish_messages_sent", "publish_messages_dropped"],
      ...["publish_bytes_received", "publish_bytes_sent", "subscriptions_count"],
      ...["retained_messages_count", "shared_subscriptions_count", "heap_current"],
      ...["heap_maximum", "load_messages_received_1min", "load_bytes_sent_15min"],
      ...["load_connections_5min", "load_sockets_1min", "load_publish_dropped_1min"],
    ]
  ) {
    assert(valueOf(text, `broker_${name}`) >= 0, name);
  }
  assertEquals(await statusOf(stage.fetch("/metrics?names=other")), 400);
});

Deno.test("docs/operating.md and the dashboard know the metrics that there are", async () => {
  await using stage = await AdminStage.open();
  const text = await metrics(stage);
  const there = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!);
  const guide = await Deno.readTextFile(GUIDE);
  assertEquals(there.filter((name) => !guide.includes(`\`${name}\``)), []);
  const dashboard = await Deno.readTextFile(DASHBOARD);
  const asked = new Set(dashboard.match(/fairway_[a-z_]+/g) ?? []);
  const known = new Set([
    ...there.flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]),
    // It is told where a listener has a certificate.
    "fairway_certificate_expiry_timestamp_seconds",
  ]);
  assert(asked.size > 10);
  assertEquals([...asked].filter((name) => !known.has(name)), []);
});

Deno.test({
  name: "promtool finds nothing wrong with the metrics",
  ignore: !isThere("promtool"),
  fn: async () => {
    await using stage = await AdminStage.open();
    const input = await metrics(stage);
    await using tool = new Child("promtool", ["check", "metrics"], { input });
    assertEquals(await tool.outcome(DEADLINE_MS), { code: 0, stdout: "", stderr: "" });
  },
});

Deno.test({
  name: "Prometheus scrapes the broker with a token, and answers a query about it",
  ignore: !isThere("prometheus"),
  fn: async () => {
    await using stage = await AdminStage.open();
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/token`, stage.admin.token!);
    await Deno.writeTextFile(
      `${folder}/prometheus.yml`,
      "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: fairway\n    authorization:\n" +
        `      credentials_file: ${folder}/token\n    static_configs:\n` +
        `      - targets: ["127.0.0.1:${stage.admin.port}"]\n`,
    );
    using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = probe.addr;
    probe.close();
    {
      await using prometheus = new Child("prometheus", [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ]);
      await prometheus.waitFor(/Server is ready to receive web requests/, "stderr", DEADLINE_MS);
      const query = `http://127.0.0.1:${port}/api/v1/query?query=fairway_ready`;
      const found = async () => (await (await fetch(query)).json()).data.result;
      await eventually("it is scraped", async () => (await found()).length > 0, DEADLINE_MS);
      const result = await found();
      assertEquals([result[0]?.metric.job, result[0]?.value[1]], ["fairway", "1"]);
      prometheus.signal("SIGTERM");
      await prometheus.outcome(DEADLINE_MS);
    }
    await Deno.remove(folder, { recursive: true });
  },
});
