/** Hooks that print the events of the broker to the terminal. */
import { traceOf } from "../admin/trace.ts";
import { line, quoted } from "../admin/visible.ts";
import type { BrokerHooks } from "../mod.ts";
import { MemoryShortage } from "./memory_limit.ts";
import { codeText, loginFailedLine, storeFullLine } from "./log_lines.ts";
import { complain, say } from "./terminal.ts";

/**
 * Hooks that print the events of a broker that was started with flags.
 *
 * @param isVerbose Whether connects, disconnects and refusals are printed too.
 */
export function terminalHooks(isVerbose: boolean): BrokerHooks {
  return isVerbose ? { ...GENERAL, ...CLIENTS } : GENERAL;
}

const shortage = new MemoryShortage(complain);

const GENERAL: BrokerHooks = {
  limited: ({ reason, clientId }) => {
    if (reason === "memory") shortage.tell(clientId);
  },
  failed: (error) => complain(`Internal error: ${traceOf(error)}`),
  storeFull: (isFull, reason) =>
    complain(isFull ? line`WARNING: ${storeFullLine(reason)}` : "The store works again"),
  loginFailed: (failure) => complain(loginFailedLine(failure)),
  busy: (isBusy, lagMs) => {
    const what = isBusy ? "refusing new connections" : "accepting connections again";
    complain(`The event loop is ${Math.round(lagMs)} ms late: ${what}`);
  },
};

const CLIENTS: BrokerHooks = {
  connected: ({ clientId, address, username, protocolVersion }) => {
    const user = username === null ? "" : line` as ${quoted(username)}`;
    const version = { 3: "3.1", 4: "3.1.1", 5: "5.0" }[protocolVersion];
    say(line`connect ${quoted(clientId)} from ${address}${user}, MQTT ${version}`);
  },
  disconnected: ({ clientId, address }, { reasonCode, by, error }) => {
    const why = error instanceof Error ? `: ${error.message}` : "";
    const code = codeText(reasonCode);
    say(line`disconnect ${quoted(clientId)} from ${address} by ${by} (${code})${why}`);
  },
  refused: (address, clientId, reasonCode) => {
    const who = clientId === null ? "a client" : quoted(clientId);
    say(line`refuse ${who} from ${address} (${codeText(reasonCode)})`);
  },
};
