import type { OperatorLog } from "../admin/operator_log.ts";
import { traceOf } from "../admin/trace.ts";
import type { BrokerHooks } from "../mod.ts";
import { codeText, loginFailedLine, storeFullLine } from "./log_lines.ts";

/** Hooks that log the broker's events, in the words of mosquitto. */
export function logHooks(log: OperatorLog, isConnectionLogged: () => boolean): BrokerHooks {
  return {
    failed: (error) => log.write("error", `Internal error: ${traceOf(error)}`),
    connected: ({ clientId, address, username, protocolVersion }) => {
      if (!isConnectionLogged()) return;
      const user = username === null ? "" : `, u'${username}'`;
      log.write(
        "notice",
        `New client connected from ${address} as ${clientId} (p${protocolVersion}${user}).`,
      );
    },
    disconnected: ({ clientId }, { by, reasonCode, error }) => {
      if (!isConnectionLogged()) return;
      const why = error instanceof Error ? `: ${error.message}` : "";
      const code = codeText(reasonCode);
      const how = { client: "disconnected", network: "closed its connection" };
      const text = by === "broker"
        ? `Client ${clientId} disconnected by the broker (${code})${why}.`
        : `Client ${clientId} ${how[by]}${by === "client" ? "" : why}.`;
      log.write("notice", text);
    },
    refused: (address, clientId, reasonCode) => {
      if (!isConnectionLogged()) return;
      const code = codeText(reasonCode);
      const who = clientId === null || clientId === "" ? "A client" : `Client ${clientId}`;
      log.write("notice", `${who} from ${address} was refused (${code}).`);
    },
    arrivalFailed: (address, error) => {
      if (!isConnectionLogged()) return;
      const why = error instanceof Error ? error.message : String(error);
      log.write("notice", `Connection from ${address} failed: ${why}`);
    },
    loginFailed: (failure) => log.write("notice", loginFailedLine(failure)),
    limited: ({ reason, address, clientId }) => {
      if (!log.takes("debug")) return;
      log.write("debug", `Limit reached: ${reason}, ${clientId ?? address ?? "everyone"}`);
    },
    busy: (isBusy, lagMs) => {
      const text = isBusy ? "Too busy for newcomers" : "Newcomers are welcome again";
      log.write("warning", `${text}: the event loop is ${Math.round(lagMs)} ms late`);
    },
    storeFull: (isFull, reason) => {
      if (isFull) log.write("error", storeFullLine(reason));
      else log.write("notice", "The store works again");
    },
    dropped: ({ reason, topic, clientId }) => {
      if (!log.takes("debug")) return;
      log.write("debug", `Dropped (${reason}) for ${clientId ?? "several"}: ${topic ?? "many"}`);
    },
  };
}
