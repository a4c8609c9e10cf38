/** What runs outside of Deno and may be missing on a machine: see `tests/run.sh`. */
export type Tool =
  | "chromium"
  | "mosquitto"
  | "mosquitto_pub"
  | "mosquitto_sub"
  | "node"
  | "openssl"
  | "paho";

/** Debian's own: a `python3` found earlier in the path does not see Debian's packages. */
export const PYTHON = "/usr/bin/python3";

/**
 * Registers a test that needs `tools`. Where one is missing the test is ignored and its name says
 * why; but where `CI` is `true` it runs and fails, for nobody would read the reason there.
 */
export function testWith(tools: readonly Tool[], name: string, fn: () => Promise<void>): void {
  const missing = Deno.env.get("CI") === "true" ? [] : tools.filter((tool) => !isInstalled(tool));
  const reason = missing.length === 0 ? "" : ` (ignored: ${missing.join(", ")} not installed)`;
  Deno.test({ name: name + reason, ignore: missing.length > 0, fn });
}

function isInstalled(tool: Tool): boolean {
  const [command, ...args] = tool === "paho"
    ? [PYTHON, "-c", "import paho.mqtt"]
    : [tool, tool === "chromium" ? "--version" : "--help"];
  try {
    const { success } = new Deno.Command(command!, { args, stdout: "null", stderr: "null" })
      .outputSync();
    // The mosquitto clients tell their usage with an exit code of 1: that they start is enough.
    return success || tool !== "paho";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
