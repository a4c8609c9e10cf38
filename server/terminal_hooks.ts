/** Hooks that print the events of the broker to the terminal. */
import { traceOf } from "../admin/trace.ts";
import { line, quoted } from "../admin/visible.ts";
import type { BrokerHooks } from "../mod.ts";
import { hostOf } from "../transport/cidr.ts";
import { codeText, loginFailedLine, storeFullLine } from "./log_lines.ts";
import { MemoryShortage } from "./memory_limit.ts";
import { complain } from "../cli/terminal.ts";
import type { TerminalLines } from "./terminal_lines.ts";

/**
 * Hooks that print the events of a broker that was started with flags.
 *
 * @param isVerbose Whether connects, disconnects and refusals are printed too.
 */
export function terminalHooks(lines: TerminalLines, isVerbose: boolean): BrokerHooks {
  return isVerbose ? { ...generalHooks(lines), ...clientHooks(lines) } : generalHooks(lines);
}

function generalHooks(lines: TerminalLines): BrokerHooks {
  const shortage = new MemoryShortage(complain);
  return {
    limited: ({ reason, clientId }) => {
      if (reason === "memory") shortage.tell(clientId);
    },
    failed: (error) => {
      const trace = traceOf(error);
      lines.complain(`failed ${trace}`, `Internal error: ${trace}`);
    },
    storeFull: (isFull, reason) => {
      const text = isFull ? line`WARNING: ${storeFullLine(reason)}` : "The store works again";
      lines.complain(`store ${isFull}`, text);
    },
    loginFailed: (failure) =>
      lines.complain(`login ${hostOf(failure.address)}`, loginFailedLine(failure)),
    busy: (isBusy, lagMs) => {
      const what = isBusy ? "refusing new connections" : "accepting connections again";
      const text = `The event loop is ${Math.round(lagMs)} ms late: ${what}`;
      lines.complain(`busy ${isBusy}`, text);
    },
  };
}

function clientHooks(lines: TerminalLines): BrokerHooks {
  return {
    connected: ({ clientId, address, username, protocolVersion }) => {
      const user = username === null ? "" : line` as ${quoted(username)}`;
      const version = { 3: "3.1", 4: "3.1.1", 5: "5.0" }[protocolVersion];
      const text = line`connect ${quoted(clientId)} from ${address}${user}, MQTT ${version}`;
      lines.say(`connect ${hostOf(address)} ${clientId}`, text);
    },
    disconnected: ({ clientId, address }, { reasonCode, by, error }) => {
      const why = error instanceof Error ? `: ${error.message}` : "";
      const code = codeText(reasonCode);
      const text = line`disconnect ${quoted(clientId)} from ${address} by ${by} (${code})${why}`;
      lines.say(`disconnect ${by} ${reasonCode} ${clientId}`, text);
    },
    refused: (address, clientId, reasonCode) => {
      const who = clientId === null ? "a client" : quoted(clientId);
      const text = line`refuse ${who} from ${address} (${codeText(reasonCode)})`;
      lines.say(`refuse ${reasonCode} ${hostOf(address)}`, text);
    },
  };
}
