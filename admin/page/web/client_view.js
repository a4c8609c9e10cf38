/** One client: its connection and session, what waits for it, lines about it, and what can be done. */
import { request, session } from "./api.js";
import { bytes, count, dateTime, duration, since } from "./format.js";
import { fromBase64, Payload, preview } from "./payload.js";
import { html, useState } from "./preact.js";
import { Badge, Card, Confirm, Empty, Facts, Fault, Field, Table, useLoaded, View } from "./ui.js";

const LIVE_MS = 2000;
const VERSIONS = { 3: "3.1", 4: "3.1.1", 5: "5.0" };

/** The view. */
export function ClientView({ clientId }) {
  const path = `/clients/${encodeURIComponent(clientId)}`;
  const [asked, setAsked] = useState(null);
  const { data, error, reload } = useLoaded(
    (signal) => request("GET", path, { signal }),
    path,
    LIVE_MS,
  );
  const isGone = error?.status === 404;
  const client = isGone ? null : data?.data ?? null;
  const isConnected = client !== null && client.connection !== null;
  const mayAct = session.mayWrite;
  const actions = html`
    <button type="button" disabled=${!mayAct || !isConnected} onClick=${() =>
      setAsked("disconnect")}>Disconnect</button>
    <button type="button" disabled=${!mayAct} onClick=${() => setAsked("ban")}>Ban</button>
    <button type="button" disabled=${!mayAct || client === null} onClick=${() =>
      setAsked("end")}>End session</button>
  `;
  return html`
    <${View} title=${clientId} actions=${actions} lead=${html`<a href="#/clients">Clients</a>`}>
      ${isGone
        ? html`<${Empty}>There is no session of this client.<//>`
        : html`<${Fault} error=${error} />`}
      ${!mayAct &&
        html`<p class="muted">This token may look only: changes and payloads take one with the scope “write”.</p>`}
      ${client !== null && html`<${About} client=${client} />`}
      <div class="columns">
        ${client !== null && html`<${Subscriptions} path=${path} />`}
        ${client !== null && html`<${Backlog} path=${path} />`}
        <${Lines} path=${path} />
      </div>
      ${asked !== null && html`
        <${Action} name=${asked} client=${client} clientId=${clientId} path=${path}
          onClose=${() => setAsked(null)} onDone=${reload} />
      `}
    <//>
  `;
}

function About({ client }) {
  const { connection, backlog, expirySeconds } = client;
  const kept = expirySeconds === null
    ? "for ever"
    : expirySeconds === 0
    ? "no longer than the connection"
    : `for ${duration(expirySeconds)} after the connection`;
  return html`
    <${Card}>
      <${Facts} facts=${[
        [
          "State",
          connection === null
            ? html`<${Badge}>away<//>`
            : html`<${Badge} kind="good">connected<//>`,
        ],
        ["User", client.username ?? "none"],
        ["Address", connection?.address],
        ["Listener", connection?.listener || undefined],
        ["Protocol", connection && `MQTT ${VERSIONS[connection.protocolVersion]}`],
        ["Connected for", connection && since(connection.since)],
        ["Received from it", connection && bytes(connection.receivedBytes)],
        ["Sent to it", connection && bytes(connection.sentBytes)],
        ["Bytes to be written", connection && bytes(connection.lagBytes)],
        ["In flight", count(client.inflight)],
        ["Waiting", `${count(backlog.messages)} messages, ${bytes(backlog.bytes)}`],
        ["Session is kept", kept],
        ["Survives a restart", client.isDurable ? "yes" : "no"],
        ["Will", client.willTopic ?? "none"],
      ].filter(([, value]) => value !== null)} />
      <//>
  `;
}

function Subscriptions({ path }) {
  const { data, error } = useLoaded(
    (signal) => request("GET", `${path}/subscriptions`, { query: { limit: 200 }, signal }),
    `${path} subscriptions`,
    LIVE_MS,
  );
  const list = data?.data ?? [];
  return html`
    <${Card} title="Subscriptions">
      <${Fault} error=${error} />
      <${Table} label="Subscriptions" isEmpty=${list.length === 0} empty="It has no subscriptions."
        head=${html`
          <th>Filter</th>
          <th class="n">QoS</th>
          <th>Options</th>
        `}>
        ${list.map(({ filter, qos, noLocal, retainAsPublished, identifier }) =>
          html`
            <tr key=${filter}>
              <th scope="row" class="mono">${filter}</th>
              <td class="n">${qos}</td>
              <td>${[
                noLocal && "no local",
                retainAsPublished && "retain as published",
                identifier > 0 && `identifier ${identifier}`,
              ].filter(Boolean).join(", ")}</td>
            </tr>
          `
        )}
      <//>
      ${data?.meta.next && html`<p class="muted">The first 200 are shown.</p>`}
    <//>
  `;
}

function Backlog({ path }) {
  const payload = session.mayWrite;
  const [open, setOpen] = useState(null);
  const { data, error } = useLoaded(
    (signal) => request("GET", `${path}/backlog`, { query: { limit: 50, payload }, signal }),
    `${path} backlog`,
    LIVE_MS,
  );
  const list = data?.data ?? [];
  return html`
    <${Card} title="Waiting messages">
      <${Fault} error=${error} />
      <${Table} label="Waiting messages" isEmpty=${list.length === 0} empty="Nothing waits for it."
        head=${html`
          <th>Topic</th>
          <th class="n">QoS</th>
          <th class="n">Size</th>
          <th>Payload</th>
        `}>
        ${list.map((one, i) =>
          html`
            <tr key=${i}>
              <th scope="row" class="mono">${one.topic}</th>
              <td class="n">${one.qos}</td>
              <td class="n">${bytes(one.bytes)}</td>
              <td>${payload
                ? html`<button type="button" class="link mono" onClick=${() => setOpen(one)}>${
                  preview(fromBase64(one.payload), 40) || "empty"
                }</button>`
                : "–"}</td>
            </tr>
          `
        )}
      <//>
      ${open && html`<${Payload} payload=${fromBase64(open.payload)} />`}
    <//>
  `;
}

function Lines({ path }) {
  const { data, error } = useLoaded(
    (signal) => request("GET", `${path}/log`, { query: { limit: 50 }, signal }),
    `${path} log`,
    LIVE_MS,
  );
  const list = data?.data ?? [];
  return html`
    <${Card} title="Log">
      <${Fault} error=${error} />
      ${list.length === 0 ? html`<${Empty}>Nothing has happened of late.<//>` : html`
        <ol class="log">
          ${list.map(({ time, text, times }, i) =>
            html`<li key=${i}><time>${dateTime(time)}</time><span>${text}${
              times > 1 ? ` (${count(times)} times)` : ""
            }</span></li>`
          )}
        </ol>
      `}
    <//>
  `;
}

/** A change, with its confirmation. */
function Action({ name, client, clientId, path, ...events }) {
  if (name === "disconnect") {
    return html`
      <${Confirm} title="Disconnect this client?" verb="Disconnect" ...${events}
        words="Its connection ends with the reason 0x98. Its session stays, and it may connect again at once."
        onDo=${async () => {
          await request("POST", `${path}/disconnect`, { body: {} });
          return "The client was disconnected.";
        }} />
    `;
  }
  if (name === "end") {
    return html`
      <${Confirm} title="End this session?" verb="End the session" ...${events}
        words=${`Its ${count(client?.subscriptions)} subscriptions and ${
          count(client?.backlog.messages)
        } waiting messages are lost.`}
        onDo=${async () => {
          await request("DELETE", path);
          return "The session has ended.";
        }} />
    `;
  }
  const host = client?.connection?.address.replace(/:\d+$/, "");
  return html`
    <${Confirm} title="Ban this client?" verb="Ban" ...${events}
      words="It is disconnected, and refused until the ban ends."
      fields=${html`
        <${Field} label="What is banned"><select name="kind">
          <option value="clientId">The client identifier ${clientId}</option>
          ${client?.username &&
            html`<option value="username">The user name ${client.username}</option>`}
          ${host && html`<option value="address">The address ${host}</option>`}
        </select><//>
        <${Field} label="For"><select name="seconds">
          <option value="600">10 minutes</option><option value="3600">1 hour</option><option value="86400">1 day</option><option value="">ever</option>
        </select><//>
        <${Field} label="Why"><input name="reason" maxlength="200" /><//>
      `}
      onDo=${async ({ kind, seconds, reason }) => {
        const value = { clientId, username: client?.username, address: host }[kind];
        await request("POST", "/bans", {
          body: { [kind]: value, reason, ...seconds === "" ? {} : { seconds: Number(seconds) } },
        });
        return "The client is banned.";
      }} />
  `;
}
