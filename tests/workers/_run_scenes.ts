/** Runs scenes with workers, each in a process of its own. */
import { assert } from "@std/assert";

const isSupported = Deno.build.os === "linux" && ["x86_64", "aarch64"].includes(Deno.build.arch);

/**
 * Makes a test of each scene.
 *
 * @param script The name of the file that does the scene whose name is its argument.
 */
export function runScenes(scenes: Record<string, () => Promise<void>>, script: string): void {
  const { pathname } = new URL(script, import.meta.url);
  for (const name of Object.keys(scenes)) {
    Deno.test({
      name,
      ignore: !isSupported,
      fn: async () => {
        const { success, stderr } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "--no-prompt", "--no-check", "--allow-all", pathname, name],
        }).output();
        assert(success, new TextDecoder().decode(stderr));
      },
    });
  }
}
