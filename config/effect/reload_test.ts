import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS } from "../../broker/base/limits.ts";
import { limitsOf } from "./broker_options.ts";
import { LIMIT_OPTIONS } from "../options/options.ts";
import { areAtOnePlace, isSameBinding, LISTENER_RELOAD, needsRestart } from "./reload.ts";
import { parseConfiguration } from "../parser/parse.ts";
import { readSource } from "../parser/source.ts";

/** Reads a configuration that is in one file. */
async function configurationOf(text: string) {
  const source = await readSource("a.conf", {
    read: () => Promise.resolve(text),
    list: () => Promise.resolve([]),
  });
  return parseConfiguration(source, { file: "a.conf", line: 1 });
}

Deno.test("every limit has a word that changes it", async () => {
  const words = Object.keys(LIMIT_OPTIONS);
  const names = Object.keys(DEFAULT_LIMITS) as (keyof typeof DEFAULT_LIMITS)[];
  assertEquals(words.length, names.length);
  for (const [index, name] of names.entries()) {
    const value = DEFAULT_LIMITS[name] === 11 ? 12 : 11;
    const limits = limitsOf(await configurationOf(`listener 1883\n${words[index]} ${value}\n`));
    assertEquals(limits[name], value, words[index]);
  }
});

Deno.test("a listener is opened anew for another binding, and for no rule about its clients", async () => {
  const bound = async (text: string) => (await configurationOf(text)).listeners[0]!;
  const before = await bound("listener 1883 127.0.0.1\n");
  assertEquals(isSameBinding(before, await bound("listener 1883 127.0.0.1\nmax_qos 1\n")), true);
  for (
    const text of ["listener 1884 127.0.0.1\n", "listener 1883 ::1\n", "listener 1883\n"].concat(
      "listener 1883 127.0.0.1\nprotocol websockets\n",
      "listener 1883 127.0.0.1\ncertfile a\nkeyfile b\n",
      "listener 1883 127.0.0.1\nfairway_proxy_from 10.0.0.0/8\n",
    )
  ) assertEquals(isSameBinding(before, await bound(text)), false, text);
  assertEquals(LISTENER_RELOAD.mount_point, "applied");
});

Deno.test("listeners of one port or path are in each other's way; any free port never is", async () => {
  const bound = async (text: string) => (await configurationOf(text)).listeners[0]!;
  const here = await bound("listener 1883 127.0.0.1\n");
  assertEquals(areAtOnePlace(here, await bound("listener 1883\n")), true);
  assertEquals(areAtOnePlace(here, await bound("listener 1884 127.0.0.1\n")), false);
  const free = await bound("listener 0 127.0.0.1\n");
  assertEquals(areAtOnePlace(free, free), false);
  const socket = await bound("listener 0 /run/a\n");
  assertEquals([areAtOnePlace(socket, socket), areAtOnePlace(socket, free)], [true, false]);
});

Deno.test("what needs a restart is named where it stands, or stood", async () => {
  const running = await configurationOf("listener 1883\npersistence true\n");
  const next = await configurationOf("listener 1883\nsys_interval 3\nretain_available false\n");
  assertEquals(needsRestart(running, running), []);
  assertEquals(needsRestart(running, next).map(({ place, word }) => [place.line, word]), [
    [2, "persistence"],
    [3, "retain_available"],
  ]);
});
