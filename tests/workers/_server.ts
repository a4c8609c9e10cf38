/** A server with workers, as its tests start it. */
import { ownerOf } from "../../cluster/client_owner.ts";
import { SERVER_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import type { Child, Outcome } from "../harness/child.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

const isSupported = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

/** Enough for a start with an empty cache. */
export const DEADLINE_MS = 60_000;

/** A test with a server that has workers. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: !isSupported });
}

/** Starts a server; with two workers, unless the flags say it. */
export function start(...flags: string[]): Child {
  const workers = flags.includes("--workers") ? [] : ["--workers", "2"];
  return startServer(
    ["--native-sockets", "--port", "0", ...workers, ...flags],
    [...SERVER_PERMISSIONS, "--allow-ffi"],
  );
}

/** The port of MQTT. */
export async function listening(server: Child): Promise<number> {
  return Number((await server.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", DEADLINE_MS))[1]);
}

/** Runs a server that ends at once. */
export async function run(...flags: string[]): Promise<Outcome> {
  await using server = startServer(flags, [...SERVER_PERMISSIONS, "--allow-ffi"]);
  return await server.outcome(DEADLINE_MS);
}

/** A client identifier that lives on this node of two. */
export function idOn(node: number, prefix: string): string {
  for (let i = 0;; i++) if (ownerOf(`${prefix}${i}`, 2) === node) return `${prefix}${i}`;
}

/** A client that is connected. */
export async function connected(port: number, clientId: string, fields = {}): Promise<RawClient> {
  const client = await RawClient.dial(port, DEADLINE_MS);
  await client.send(packets.connect({ clientId, ...fields }));
  await client.expect("20 02 00 00");
  return client;
}
