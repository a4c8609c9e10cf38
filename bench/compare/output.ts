/**
 * The standard output and standard error of a program; null if it is not installed, fails, or takes
 * too long.
 */
export async function output(
  program: string,
  args: string[],
  timeoutMs: number = 120_000,
): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const { code, stdout, stderr } = await new Deno.Command(program, { args, signal }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    // The usage text of mosquitto ends with a code of 3.
    return code === 0 || text.includes("mosquitto version") ? text : null;
  } catch {
    // Not installed, or not permitted.
    return null;
  }
}
