/** Which addresses are those of the machine itself. */

/** Whether an address can be reached from this machine only. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d+){3}$/.test(hostname);
}
