import { assertEquals } from "@std/assert";
import { notesOf, parse, problemsOf } from "../testdata/conf.ts";
import { printEffective } from "../effect/print.ts";

const SO = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so";

/** The file of each listener. */
async function filesOf(text: string): Promise<(string | null)[]> {
  const { listeners } = await parse(text);
  return listeners.map(({ security }) => security.fairway_dynamic_security_file);
}

for (
  const [load, option] of [
    ["plugin", "plugin_opt_config_file"],
    ["global_plugin", "plugin_opt_config_file"],
    ["auth_plugin", "auth_opt_config_file"],
    ["auth_plugin", "plugin_opt_config_file"],
  ] as const
) {
  Deno.test(`${load} with ${option} means dynamic security, for all listeners`, async () => {
    const text = `listener 1883\nlistener 1884\n${load} ${SO}\n${option} /etc/my accounts.json`;
    assertEquals(await filesOf(text), ["/etc/my accounts.json", "/etc/my accounts.json"]);
    assertEquals(await notesOf(text), []);
  });
}

Deno.test("the plugin may lie anywhere, and be one of another system", async () => {
  for (const path of ["mosquitto_dynamic_security.so", "C:\\m\\mosquitto_dynamic_security.dll"]) {
    const text = `listener 1883\nplugin ${path}\nplugin_opt_config_file a.json`;
    assertEquals(await filesOf(text), ["a.json"], path);
  }
});

Deno.test("per_listener_settings gives each listener its own plugin, and global_plugin all", async () => {
  const own = `listener 1884\nplugin ${SO}\nplugin_opt_config_file a.json`;
  const text = `per_listener_settings true\nlistener 1883\n${own}`;
  assertEquals(await filesOf(text), [null, "a.json"]);
  const all = `per_listener_settings true\nglobal_plugin ${SO}\nplugin_opt_config_file a.json\n`;
  assertEquals(await filesOf(`${all}listener 1883\nlistener 1884`), ["a.json", "a.json"]);
});

Deno.test("Fairway's own word means the same, and is what is printed", async () => {
  const text = `listener 1883\nplugin ${SO}\nplugin_opt_config_file a.json`;
  const printed = printEffective(await parse(text));
  assertEquals(printed.includes("\nfairway_dynamic_security_file a.json\n"), true);
  assertEquals(await filesOf(printed), ["a.json"]);
});

Deno.test("all listeners have the same accounts", async () => {
  const one =
    `per_listener_settings true\nlistener 1883\nplugin ${SO}\nplugin_opt_config_file a.json`;
  const two = `${one}\nlistener 1884\nplugin ${SO}\nplugin_opt_config_file b.json`;
  assertEquals(await problemsOf(two), [
    "main.conf:7: fairway_dynamic_security_file: all listeners have the same accounts: " +
    "give it a.json as well",
  ]);
});

Deno.test("a plugin without a file, and a file twice, are faults", async () => {
  assertEquals(await problemsOf(`listener 1883\nplugin ${SO}`), [
    "main.conf:2: plugin: needs a line plugin_opt_config_file FILE after it",
  ]);
  assertEquals(await problemsOf(`plugin ${SO}\nplugin_opt_config_file`), [
    "main.conf:2: plugin_opt_config_file: expects the path of a file, not nothing",
  ]);
  const twice = `plugin ${SO}\nplugin_opt_config_file a\nplugin_opt_config_file b`;
  assertEquals(await problemsOf(twice), [
    "main.conf:3: plugin_opt_config_file: was given already at main.conf:2",
  ]);
});

Deno.test("other options of the plugin are told to have no effect", async () => {
  const file = `listener 1883\nplugin ${SO}\nplugin_opt_config_file a\n`;
  assertEquals(await notesOf(`${file}plugin_opt_password_init_file b\nplugin_opt_other c`), [
    "4 plugin_opt_password_init_file it has no effect: " +
    "make the file with mosquitto_ctrl dynsec init FILE admin",
    "5 plugin_opt_other it has no effect: dynamic security has no such option",
  ]);
});

Deno.test("other plugins, and their options, stay faults", async () => {
  const text = `plugin ${SO}\nplugin_opt_config_file a\nplugin other.so\nplugin_opt_config_file b`;
  const problems = await problemsOf(text);
  assertEquals(problems.map((problem) => problem.split(" Fairway")[0]), [
    "main.conf:3: plugin:",
    "main.conf:4: plugin_opt_config_file:",
  ]);
});

Deno.test("security options must stand behind per_listener_settings, plugins as well", async () => {
  const text = `plugin ${SO}\nplugin_opt_config_file a\nper_listener_settings true`;
  assertEquals(await problemsOf(text), [
    "main.conf:3: per_listener_settings: must stand before plugin, which is at main.conf:1",
  ]);
});
