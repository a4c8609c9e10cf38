/** The page: the login, what is chosen by the address, and what is around every view. */
import { login, session } from "./api.js";
import { redrawCharts } from "./chart.js";
import { ClientView } from "./client_view.js";
import { Clients } from "./clients.js";
import { live, useLive } from "./live.js";
import { Login } from "./login.js";
import { Messages } from "./messages.js";
import { pane } from "./mqtt_pane.js";
import { Overview } from "./overview.js";
import { html, render, useEffect, useState } from "./preact.js";
import { Retained } from "./retained.js";
import { Streams } from "./streams.js";
import { Topics } from "./topics.js";
import { Icon, Notices } from "./ui.js";

/** @type {[name: string, words: string, component: Function][]} */
const VIEWS = [
  ["overview", "Overview", Overview],
  ["clients", "Clients", Clients],
  ["topics", "Topics", Topics],
  ["retained", "Retained", Retained],
  ["streams", "Streams", Streams],
  ["messages", "Messages", Messages],
];

const THEME_KEY = "fairway-theme";
const THEMES = ["light", "dark"];
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** Reads the address: `#/clients/ID` is `["clients", "ID"]`. */
function placeOf(hash) {
  const [name = "", ...rest] = hash.replace(/^#\/?/, "").split("/");
  const known = VIEWS.some(([one]) => one === name) ? name : "overview";
  return [known, rest.length > 0 ? decoded(rest.join("/")) : null];
}

/** A part of the address; as it is, if it is ill-formed. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function App() {
  const [state, setState] = useState("asking");
  useEffect(() => {
    session.onLost = () => {
      live.stop();
      pane.close();
      session.forget();
      // The next one may have to see less.
      live.topics.clear();
      pane.clear();
      setState("login");
    };
    // A link may bring the token; it is taken out of the address at once.
    const [, token] = /^#token=(.+)$/.exec(location.hash) ?? [];
    if (token !== undefined) {
      session.keep("", decoded(token));
      history.replaceState(null, "", "#/overview");
    }
    login().then(() => setState("in"), () => setState("login"));
  }, []);
  if (state === "asking") return null;
  if (state === "login") return html`<${Login} onDone=${() => setState("in")} />`;
  return html`<${Frame} onLeave=${() => session.onLost()} />`;
}

function Frame({ onLeave }) {
  const [[name, detail], setPlace] = useState(placeOf(location.hash));
  useEffect(() => {
    const changed = () => {
      setPlace(placeOf(location.hash));
      document.querySelector("main")?.scrollTo(0, 0);
      // A reader of the screen is told where it is now.
      setTimeout(() => document.getElementById("title")?.focus({ preventScroll: true }));
    };
    addEventListener("hashchange", changed);
    live.start();
    return () => {
      removeEventListener("hashchange", changed);
      live.stop();
    };
  }, []);
  const [, , Chosen = Overview] = VIEWS.find(([one]) => one === name) ?? [];
  return html`
    <a class="skip" href="#title" onClick=${skip}>Skip to the content</a>
    <div class="frame">
      <${Sidebar} chosen=${name} onLeave=${onLeave} />
      <main>
        ${name === "clients" && detail !== null
          ? html`<${ClientView} key=${detail} clientId=${detail} />`
          : html`<${Chosen} detail=${detail} />`}
      </main>
    </div>
    <${Notices} />
  `;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("title")?.focus();
}

function Sidebar({ chosen, onLeave }) {
  const { state, snapshot } = useLive();
  const troubles = snapshot?.troubles.length ?? 0;
  return html`
    <header class="side">
      <a class="brand" href="#/overview"><${Logo} /><span>Fairway</span></a>
      <nav aria-label="Views">
        ${VIEWS.map(([name, words]) =>
          html`
            <a key=${name} href=${`#/${name}`} aria-current=${name === chosen ? "page" : null}>
              <${Icon} name=${name} /><span>${words}</span>
              ${name === "overview" && troubles > 0 &&
                html`<b class="dot" title="Something is wrong">${troubles}</b>`}
            </a>
          `
        )}
      </nav>
      <div class="side-foot">
        <p class="state ${state}" role="status">
          <i></i><span>${state === "live"
            ? "Live"
            : state === "lost"
            ? "Connection lost"
            : "Connecting"}</span>
        </p>
        <button type="button" class="quiet"
          onClick=${changeTheme}><${Icon} name="theme" /><span>Colours</span></button>
        <button type="button" class="quiet"
          onClick=${onLeave}><${Icon} name="leave" /><span>Leave</span></button>
      </div>
    </header>
  `;
}

function Logo() {
  return html`
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M7 21c4 0 4-3 9-3s5 3 9 3M7 14c4 0 4-3 9-3s5 3 9 3" />
    </svg>
  `;
}

/** Shows the colours that were chosen; as long as none were, those that the system has. */
function showTheme() {
  const chosen = localStorage.getItem(THEME_KEY);
  const theme = systemIsDark.matches ? "dark" : "light";
  document.documentElement.dataset.theme = THEMES.find((one) => one === chosen) ?? theme;
  redrawCharts();
}

/** Chooses the opposite of what is shown. */
function changeTheme() {
  const { theme } = document.documentElement.dataset;
  localStorage.setItem(THEME_KEY, theme === "dark" ? "light" : "dark");
  showTheme();
}

systemIsDark.addEventListener("change", showTheme);
showTheme();
const place = document.getElementById("app");
if (place !== null) render(html`<${App} />`, place);
