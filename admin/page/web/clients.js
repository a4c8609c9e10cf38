/** The clients: search, order, live; those that left of late; and who is banned. */
import { request, session } from "./api.js";
import { bytes, count, dateTime, reason, since } from "./format.js";
import { html, useEffect, useRef, useState } from "./preact.js";
import { Badge, Confirm, Fault, Field, Table, Tabs, useLoaded, View } from "./ui.js";

/** Clients that are shown at first, and how many more each time. */
const STEP = 100;
const SHOWN_MAX = 1000;
/** How often the list is loaded, in milliseconds; a long one less often. */
const LIVE_MS = 2000;
const LONG_MS = 10_000;

const SORTS = [
  ["id", "Name"],
  ["received", "Receives most"],
  ["sent", "Sends most"],
  ["lag", "Lags most"],
  ["backlog", "Most messages waiting"],
  ["backlog-bytes", "Most bytes waiting"],
];

const PARTS = [["now", "Now"], ["closed", "Recently closed"], ["bans", "Bans"]];

/** The view. */
export function Clients() {
  const [part, setPart] = useState("now");
  const tabs =
    html`<${Tabs} label="Which clients" tabs=${PARTS} chosen=${part} onChoose=${setPart} />`;
  return html`
    <${View} title="Clients" actions=${tabs}>
      ${part === "now" && html`<${Now} />`}
      ${part === "closed" && html`<${Closed} />`}
      ${part === "bans" && html`<${Bans} />`}
    <//>
  `;
}

/** Rates of each client, from one list to the next one. */
function useRates(list) {
  const before = useRef({ atMs: 0, sums: new Map(), rates: new Map() });
  useEffect(() => {
    if (list === null) return;
    const now = performance.now();
    const { atMs, sums } = before.current;
    const [next, rates] = [new Map(), new Map()];
    for (const { clientId, connection } of list) {
      if (connection === null) continue;
      const { receivedBytes, sentBytes, since: start } = connection;
      next.set(clientId, { start, receivedBytes, sentBytes });
      const last = sums.get(clientId);
      if (last?.start !== start) continue;
      const seconds = (now - atMs) / 1000;
      rates.set(clientId, {
        received: (receivedBytes - last.receivedBytes) / seconds,
        sent: (sentBytes - last.sentBytes) / seconds,
      });
    }
    before.current = { atMs: now, sums: next, rates };
  }, [list]);
  return before.current.rates;
}

function Now() {
  const [id, setId] = useState("");
  const [sort, setSort] = useState("id");
  const [connected, setConnected] = useState("");
  const [limit, setLimit] = useState(STEP);
  const query = { id, sort, connected, limit };
  const every = limit > STEP ? LONG_MS : LIVE_MS;
  const { data, error } = useLoaded(
    (signal) => request("GET", "/clients", { query, signal }),
    JSON.stringify(query),
    every,
  );
  const list = data?.data ?? null;
  const rates = useRates(list);
  const hasMore = data !== null && data.meta.next !== null;
  return html`
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="Search"><input type="search" placeholder="part of a client identifier"
        value=${id} onInput=${({ target }) => setId(target.value)} /><//>
      <${Field} label="Order"><select value=${sort} onChange=${({ target }) =>
        setSort(target.value)}>
        ${SORTS.map(([name, words]) => html`<option key=${name} value=${name}>${words}</option>`)}
      </select><//>
      <${Field} label="State"><select value=${connected} onChange=${({ target }) =>
        setConnected(target.value)}>
        <option value="">All</option><option value="true">Connected</option><option value="false">Away</option>
      </select><//>
    </form>
    <${Fault} error=${error} />
    ${list !== null && html`
      <${Table} label="Clients" isEmpty=${list.length === 0} empty="No client matches."
        head=${html`
          <th>Client</th>
          <th>User</th>
          <th>Address</th>
          <th class="n">Receives</th>
          <th class="n">Sends</th>
          <th class="n">Subscriptions</th>
          <th class="n">In flight</th>
          <th class="n">Waiting</th>
          <th>For</th>
        `}>
        ${list.map((client) =>
          html`<${Row} key=${client.clientId} client=${client} rate=${
            rates.get(client.clientId)
          } />`
        )}
      <//>
      ${hasMore &&
        (limit < SHOWN_MAX
          ? html`<p><button type="button" onClick=${() =>
            setLimit(Math.min(SHOWN_MAX, limit + 3 * STEP))}>Show more</button></p>`
          : html`<p class="muted">There are more than ${count(SHOWN_MAX)}: search for some.</p>`)}
    `}
  `;
}

function Row({ client, rate }) {
  const { clientId, username, connection, subscriptions, inflight, backlog } = client;
  const waiting = backlog.messages > 0
    ? `${count(backlog.messages)} (${bytes(backlog.bytes)})`
    : connection !== null && connection.lagBytes > 0
    ? bytes(connection.lagBytes)
    : "0";
  return html`
    <tr class=${connection === null ? "away" : ""}>
      <th scope="row"><a href=${`#/clients/${encodeURIComponent(clientId)}`}>${clientId}</a></th>
      <td>${username ?? "–"}</td>
      <td>${connection === null ? html`<${Badge}>away<//>` : connection.address}</td>
      <td class="n">${rate === undefined ? "–" : `${bytes(rate.sent)}/s`}</td>
      <td class="n">${rate === undefined ? "–" : `${bytes(rate.received)}/s`}</td>
      <td class="n">${count(subscriptions)}</td>
      <td class="n">${count(inflight)}</td>
      <td class="n">${waiting}</td>
      <td>${connection === null ? "–" : since(connection.since)}</td>
    </tr>
  `;
}

function Closed() {
  const { data, error } = useLoaded(
    (signal) => request("GET", "/closed-connections", { query: { limit: 200 }, signal }),
    "closed",
    LIVE_MS,
  );
  const list = data?.data ?? [];
  return html`
    <${Fault} error=${error} />
    <${Table} label="Recently closed connections" isEmpty=${list.length === 0}
      empty="No connection was closed."
      head=${html`
        <th>Time</th>
        <th>Client</th>
        <th>Address</th>
        <th>Ended by</th>
        <th>Reason</th>
      `}>
      ${list.map((one, i) =>
        html`
          <tr key=${i}>
            <td>${dateTime(one.time)}</td>
            <th scope="row"><a href=${`#/clients/${encodeURIComponent(one.clientId)}`}>${one
              .clientId}</a></th>
            <td>${one.address}</td>
            <td>
              <${Badge} kind=${one.by === "client" ? "plain" : "warn"}>${one.by}<//></td>
            <td>${reason(one.reasonCode)} ${one.error ?? ""}</td>
          </tr>
        `
      )}
    <//>
  `;
}

function Bans() {
  const [asked, setAsked] = useState(null);
  const { data, error, reload } = useLoaded(
    (signal) => request("GET", "/bans", { query: { limit: 1000 }, signal }),
    "bans",
    10_000,
  );
  const list = data?.data ?? [];
  return html`
    <${Fault} error=${error} />
    <${Table} label="Bans" isEmpty=${list.length === 0} empty="Nobody is banned."
      head=${html`
        <th>What</th>
        <th>Value</th>
        <th>Until</th>
        <th>Why</th>
        <th><span class="sr">Actions</span></th>
      `}>
      ${list.map((ban) =>
        html`
          <tr key=${ban.id}>
            <td>${ban.kind}</td>
            <th scope="row">${ban.value}</th>
            <td>${ban.until === null ? "for ever" : dateTime(ban.until)}</td>
            <td>${ban.reason}</td>
            <td class="n"><button type="button" disabled=${!session.mayWrite} onClick=${() =>
              setAsked(ban)}>End</button></td>
          </tr>
        `
      )}
    <//>
    ${asked && html`
      <${Confirm} title="End this ban?" verb="End the ban"
        onDone=${reload} onClose=${() => setAsked(null)}
        words=${`${asked.kind} ${asked.value} may connect again.`}
        onDo=${async () => {
          await request("DELETE", `/bans/${asked.id}`);
          return "The ban has ended.";
        }} />
    `}
  `;
}
