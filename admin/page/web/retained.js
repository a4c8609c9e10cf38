/** The retained messages: by filter, page by page; one can be read and deleted, and all that match. */
import { request, session } from "./api.js";
import { bytes, count, dateTime } from "./format.js";
import { fromBase64, Payload } from "./payload.js";
import { html, useState } from "./preact.js";
import {
  Card,
  Confirm,
  Empty,
  Facts,
  Fault,
  Field,
  fieldsOf,
  Table,
  useLoaded,
  View,
} from "./ui.js";

const PAGE = 50;

/** The view. */
export function Retained() {
  const [filter, setFilter] = useState("#");
  /** The cursors of the pages up to this one. */
  const [cursors, setCursors] = useState([null]);
  const [topic, setTopic] = useState(null);
  const [asked, setAsked] = useState(null);
  const query = { filter, limit: PAGE, cursor: cursors.at(-1) };
  const { data, error, reload } = useLoaded(
    (signal) => request("GET", "/retained", { query, signal }),
    JSON.stringify(query),
  );
  const list = data?.data ?? [];
  const next = data?.meta.next ?? null;
  const search = (event) => {
    event.preventDefault();
    setFilter(fieldsOf(event.target).filter || "#");
    setCursors([null]);
    setTopic(null);
  };
  const deleted = () => {
    setTopic(null);
    setCursors([null]);
    reload();
  };
  return html`
    <${View} title="Retained" lead="The last message of each topic that was published with RETAIN.">
      <form class="filters" role="search" onSubmit=${search}>
        <${Field}
          label="Topic filter"><input class="mono" name="filter" defaultValue=${filter} /><//>
        <button type="submit">Show</button>
        <button type="button" disabled=${!session.mayWrite || list.length === 0} onClick=${() =>
          setAsked(filter)}>Delete all that match</button>
      </form>
      <${Fault} error=${error} />
      <div class="split">
        <${Card}>
          <${Table} label="Retained messages" isEmpty=${list.length ===
            0} empty="Nothing is retained there."
            head=${html`
              <th>Topic</th>
              <th class="n">QoS</th>
              <th class="n">Size</th>
              <th>Expires</th>
            `}>
            ${list.map((one) =>
              html`
                <tr key=${one.topic} class=${one.topic === topic ? "chosen" : ""}>
                  <th
                    scope="row"><button type="button" class="link mono" onClick=${() =>
                      setTopic(one.topic)}>${one.topic}</button></th>
                  <td class="n">${one.qos}</td>
                  <td class="n">${bytes(one.bytes)}</td>
                  <td>${dateTime(one.expires)}</td>
                </tr>
              `
            )}
          <//>
          <div class="pager">
            <button type="button" disabled=${cursors.length === 1} onClick=${() =>
              setCursors(cursors.slice(0, -1))}>Previous</button>
            <span>Page ${cursors.length}</span>
            <button type="button" disabled=${next === null} onClick=${() =>
              setCursors([...cursors, next])}>Next</button>
          </div>
        <//>
        ${topic === null
          ? html`
            <${Card}>
              <${Empty}>Choose a topic to read its message.<//><//>
          `
          : html`<${Message} key=${topic} topic=${topic} onDelete=${() => setAsked(topic)} />`}
      </div>
      ${asked !== null && html`
        <${Confirm} title="Delete retained messages?" verb="Delete"
          onDone=${deleted} onClose=${() => setAsked(null)}
          words=${`All that match ${asked} are deleted. Subscribers are told nothing.`}
          onDo=${async () => {
            const { data } = await request("DELETE", "/retained", { query: { filter: asked } });
            const n = data.deleted;
            return `${count(n)} retained ${n === 1 ? "message was" : "messages were"} deleted.`;
          }} />
      `}
    <//>
  `;
}

function Message({ topic, onDelete }) {
  const { data, error } = useLoaded(
    (signal) => request("GET", "/retained/message", { query: { topic }, signal }),
    topic,
  );
  const message = data?.data ?? null;
  return html`
    <${Card} title=${topic}>
      <${Fault} error=${error} />
      ${message !== null && html`
        <${Facts} facts=${[
          ["QoS", message.qos],
          ["Size", bytes(message.bytes)],
          ["Published by", message.publisher ?? "unknown"],
          ["Expires", dateTime(message.expires)],
        ]} />
        ${message.payload === undefined
          ? html`<p class="muted">Payloads take a token with the scope “write”.</p>`
          : html`<${Payload} payload=${fromBase64(message.payload)} />`}
        <p
          class="buttons"><button type="button" class="danger" disabled=${!session
            .mayWrite} onClick=${onDelete}>Delete</button></p>
      `}
    <//>
  `;
}
