/**
 * Runs the scenes of `worker_scenes.ts`.
 *
 * @module
 */
import { assert } from "@std/assert";
import { SCENES } from "./worker_scenes.ts";

const isSupported = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

for (const name of Object.keys(SCENES)) {
  Deno.test({
    name,
    ignore: !isSupported,
    fn: async () => {
      const script = new URL("./worker_scenes.ts", import.meta.url).pathname;
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", "--no-check", "--allow-all", script, name],
      }).output();
      assert(success, new TextDecoder().decode(stderr));
    },
  });
}
