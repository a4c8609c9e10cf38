/** The groups that read a stream together: how far each is, what is pending, and what can be done. */
import { request, session } from "./api.js";
import { count, since } from "./format.js";
import { html, useState } from "./preact.js";
import { Badge, Card, Confirm, Fault, Field, Table, useLoaded } from "./ui.js";

const LIVE_MS = 2000;

/** The groups of one stream. */
export function Groups({ name }) {
  const path = `/streams/${encodeURIComponent(name)}/groups`;
  const [open, setOpen] = useState(null);
  const [asked, setAsked] = useState(null);
  const { data, error, reload } = useLoaded(
    (signal) => request("GET", path, { query: { limit: 200 }, signal }),
    path,
    LIVE_MS,
  );
  const list = data?.data ?? [];
  return html`
    <${Card} title=${`Groups that read ${name}`}>
      <${Fault} error=${error} />
      <${Table} label="Groups" isEmpty=${list.length === 0} empty="No group reads it."
        head=${html`
          <th>Group</th>
          <th>Filter</th>
          <th class="n">Members</th>
          <th class="n">Behind</th>
          <th class="n">Pending</th>
          <th class="n">Next</th>
          <th><span class="sr">Actions</span></th>
        `}>
        ${list.map((group) =>
          html`
            <tr key=${group.name}>
              <th
                scope="row"><button type="button" class="link" aria-expanded=${open ===
                  group.name} onClick=${() =>
                  setOpen(open === group.name ? null : group.name)}>${group.name}</button></th>
              <td class="mono">${group.filter} ${group.isExclusive &&
                html`<${Badge}>exclusive<//>`}</td>
              <td class="n">${count(group.members)}</td>
              <td class="n">${count(group.lag)}</td>
              <td class="n">${count(group.pending)}</td>
              <td class="n">${count(group.next)}</td>
              <td class="n">
                <button type="button" disabled=${!session.mayWrite}
                  onClick=${() => setAsked({ verb: "move", group: group.name })}>Move</button>
                <button type="button" disabled=${!session.mayWrite}
                  onClick=${() => setAsked({ verb: "remove", group: group.name })}>Remove</button>
              </td>
            </tr>
          `
        )}
      <//>
      ${open !== null &&
        html`<${Pending} key=${open} path=${`${path}/${
          encodeURIComponent(open)
        }/pending`} group=${open} />`}
      ${asked !== null && html`
        <${Change} ...${asked} path=${`${path}/${encodeURIComponent(asked.group)}`}
          onClose=${() => setAsked(null)} onDone=${reload} />
      `}
    <//>
  `;
}

function Pending({ path, group }) {
  const { data, error } = useLoaded(
    (signal) => request("GET", path, { query: { limit: 200 }, signal }),
    path,
    LIVE_MS,
  );
  const list = data?.data ?? [];
  return html`
    <h3>Not acknowledged by the members of ${group}</h3>
    <${Fault} error=${error} />
    <${Table} label="Pending messages" isEmpty=${list.length === 0} empty="Nothing is pending."
      head=${html`
        <th>Member</th>
        <th class="n">Messages</th>
        <th class="n">Oldest</th>
        <th>Since</th>
        <th class="n">Deliveries</th>
      `}>
      ${list.map((one) =>
        html`
          <tr key=${one.clientId ?? ""}>
            <th scope="row">${one.clientId === null
              ? "waits for a member"
              : html`<a href=${`#/clients/${
                encodeURIComponent(one.clientId)
              }`}>${one.clientId}</a>`}</th>
            <td class="n">${count(one.messages)}</td>
            <td class="n">${count(one.oldest)}</td>
            <td>${one.since === null ? "–" : since(one.since)}</td>
            <td class="n">${count(one.deliveries)}</td>
          </tr>
        `
      )}
    <//>
  `;
}

/** A change of a group, with its confirmation. */
function Change({ verb, group, path, ...events }) {
  if (verb === "remove") {
    return html`
      <${Confirm} title="Remove this group?" verb="Remove the group" ...${events}
        words=${`The progress of ${group} is lost, and the subscriptions of its members end.`}
        onDo=${async () => {
          await request("DELETE", path);
          return "The group was removed.";
        }} />
    `;
  }
  return html`
    <${Confirm} title="Move this group?" verb="Move the group" ...${events}
      words=${`${group} goes on from another position. What is in flight does not count any more.`}
      fields=${html`
        <${Field} label="Position" hint="earliest, latest, after=17, since=1h">
          <input class="mono" name="position" required />
          <//>
      `}
      onDo=${async ({ position }) => {
        await request("POST", `${path}/seek`, { body: { position } });
        return "The group was moved.";
      }} />
  `;
}
