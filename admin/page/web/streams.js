/** The streams: how much each has, who reads it in groups, and a look at its history. */
import { request, session } from "./api.js";
import { bytes, count, dateTime, duration, exactClock } from "./format.js";
import { Groups } from "./groups.js";
import { fromBase64, Payload, preview } from "./payload.js";
import { html, useState } from "./preact.js";
import { Card, Empty, Facts, Fault, Field, fieldsOf, Table, useLoaded, View } from "./ui.js";

const LIVE_MS = 2000;
const POSITIONS = [
  ["last=100", "The last 100"],
  ["since=10m", "The last 10 minutes"],
  ["since=1h", "The last hour"],
  ["since=1d", "The last day"],
  ["earliest", "From the oldest"],
];

/** The view. */
export function Streams({ detail }) {
  const { data, error } = useLoaded(
    (signal) => request("GET", "/streams", { query: { limit: 200 }, signal }),
    "streams",
    LIVE_MS,
  );
  const list = data?.data ?? [];
  const stream = list.find(({ name }) => name === detail) ?? list[0] ?? null;
  return html`
    <${View} title="Streams" lead="Topics whose messages are kept after they were delivered.">
      <${Fault} error=${error} />
      ${data !== null && list.length === 0 &&
        html`<${Empty}>No stream is declared. <code>--stream day=sensors/#</code> declares one.<//>`}
      ${list.length > 0 && html`
        <${Table} label="Streams" head=${html`
          <th>Stream</th>
          <th class="n">Messages</th>
          <th class="n">Size</th>
          <th class="n">First</th>
          <th class="n">Last</th>
        `}>
          ${list.map((one) =>
            html`
              <tr key=${one.name} class=${one.name === stream.name ? "chosen" : ""}>
                <th scope="row"><a href=${`#/streams/${encodeURIComponent(one.name)}`}>${one
                  .name}</a></th>
                <td class="n">${count(one.messages)}</td>
                <td class="n">${bytes(one.bytes)}</td>
                <td class="n">${count(one.first)}</td>
                <td class="n">${count(one.last)}</td>
              </tr>
            `
          )}
        <//>
      `}
      ${stream !== null && html`
        ${stream.limits &&
          html`<${Limits} name=${stream.name} limits=${stream.limits} />`}<${Groups} key=${`groups ${stream.name}`} name=${stream
          .name} />
        <${History} key=${`history ${stream.name}`} name=${stream.name} />
      `}
    <//>
  `;
}

/** What a stream may have. */
function Limits({ name, limits }) {
  const { maxAgeMs, maxBytes, maxMessages, maxPerTopic, compact } = limits;
  const facts = [
    ["Age", maxAgeMs === null ? undefined : duration(maxAgeMs / 1000)],
    ["Size", maxBytes === null ? undefined : bytes(maxBytes)],
    ["Messages", maxMessages === null ? undefined : count(maxMessages)],
    ["Messages of a topic", maxPerTopic === null ? undefined : count(maxPerTopic)],
    ["Only the last of a topic", compact === "topic" ? "yes" : undefined],
  ];
  return html`
    <${Card} title=${`Limits of ${name}`}>
      <${Facts} facts=${facts} />
      <//>
  `;
}

/** What was said: messages from a position on. */
function History({ name }) {
  const [asked, setAsked] = useState(null);
  const [messages, setMessages] = useState(/** @type {any[]} */ ([]));
  const [next, setNext] = useState(null);
  const [error, setError] = useState(null);
  const [open, setOpen] = useState(null);
  const load = async (filter, position, before) => {
    try {
      const query = { filter, position, payload: session.mayWrite, limit: 100 };
      const { data, meta } = await request("GET", `/streams/${encodeURIComponent(name)}/messages`, {
        query,
      });
      setMessages([...before, ...data]);
      setNext(meta.next);
      setError(null);
    } catch (fault) {
      setError(fault);
    }
    setAsked(filter);
  };
  const look = (event) => {
    event.preventDefault();
    const { filter, position, other } = fieldsOf(event.target);
    setOpen(null);
    load(filter || "#", other.trim() || position, []);
  };
  return html`
    <${Card} title=${`History of ${name}`}>
      <form class="filters" onSubmit=${look}>
        <${Field} label="From"><select name="position">
          ${POSITIONS.map(([value, words]) =>
            html`<option key=${value} value=${value}>${words}</option>`
          )}
        </select><//>
        <${Field} label="Or from" hint="after=17, since=2026-01-02T03:04:05Z"><input class="mono" name="other" /><//>
        <${Field} label="Topic filter"><input class="mono" name="filter" placeholder="#" /><//>
        <button type="submit" class="primary">Look</button>
      </form>
      <${Fault} error=${error} />
      ${asked !== null && html`
        <${Table} label="Messages" isEmpty=${messages.length ===
          0} empty="There is no such message."
          head=${html`
            <th class="n">Sequence</th>
            <th>Time</th>
            <th>Topic</th>
            <th class="n">QoS</th>
            <th class="n">Size</th>
            <th>Payload</th>
          `}>
          ${messages.map((one) =>
            html`<${HistoryRow} key=${one.seq} message=${one} isOpen=${
              open === one.seq
            } onOpen=${() => setOpen(open === one.seq ? null : one.seq)} />`
          )}
        <//>
        ${next !== null &&
          html`<p><button type="button" onClick=${() =>
            load(asked, next, messages)}>Show more</button></p>`}
      `}
    <//>
  `;
}

function HistoryRow({ message, isOpen, onOpen }) {
  const payload = message.payload === undefined ? null : fromBase64(message.payload);
  return html`
    <tr>
      <td class="n">${message.seq}</td>
      <td title=${dateTime(message.time)}>${exactClock(message.time)}</td>
      <th scope="row" class="mono">${message.topic}</th>
      <td class="n">${message.qos}</td>
      <td class="n">${bytes(message.bytes)}</td>
      <td>${payload === null ? "–" : html`
        <button type="button" class="link mono" aria-expanded=${isOpen}
          onClick=${onOpen}>${preview(payload, 60) || "empty"}</button>
      `}</td>
    </tr>
    ${isOpen && html`
      <tr class="detail">
        <td colspan="6">
          <${Facts} facts=${[["Published by", message.publisher ?? "unknown"], [
            "Arrived",
            dateTime(message.time),
          ], ["Retain", message.retain ? "yes" : "no"]]} />
          <${Payload} payload=${payload} />
        </td>
      </tr>
    `}
  `;
}
