// The shell: navigation, addresses behind #, keys, dark and light, and asking for the token.

import { html, render, useEffect, useErrorBoundary, useState } from "./vendor/preact.js";
import { bus, get, setToken, toast } from "./api.js";
import { Dialog, Form, Toasts } from "./parts.js";
import { VIEWS } from "./views/index.js";

const THEMES = ["auto", "light", "dark"];
const STEP_MS = 1200; // how long "g" waits for the key that follows

/** Which view an address means: {view, params, query}; null if none. */
export function route(hash) {
  const [path, search = ""] = (hash.replace(/^#/, "") || "/").split("?");
  const parts = path.split("/");
  for (const view of VIEWS) {
    const names = view.path.split("/");
    const fits = names.length === parts.length && names.every((name, i) => name.startsWith(":") || name === parts[i]);
    if (!fits) continue;
    const params = {};
    names.forEach((name, i) => name.startsWith(":") && (params[name.slice(1)] = decodeURIComponent(parts[i])));
    return { view, params, query: Object.fromEntries(new URLSearchParams(search)) };
  }
  return null;
}

function useHash() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const turned = () => setHash(location.hash);
    addEventListener("hashchange", turned);
    turned(); // the address may have changed before anybody listened
    return () => removeEventListener("hashchange", turned);
  }, []);
  return hash;
}

function useTheme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme);
  const next = () => {
    const chosen = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    localStorage.setItem("kbroker-theme", chosen);
    document.documentElement.dataset.theme = chosen;
    setTheme(chosen);
    bus.dispatchEvent(new Event("theme"));
  };
  return [theme, next];
}

/** `/` searches, `?` helps, `r` asks again, and what the views say: "g t". Nothing happens while somebody types. */
function useKeys(views, showHelp) {
  useEffect(() => {
    let before = "";
    let timer;
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog"))
        return;
      const keys = before ? `${before} ${event.key}` : event.key;
      before = "";
      clearTimeout(timer);
      const view = views.find((each) => each.keys === keys);
      if (view) location.hash = view.path;
      else if (keys === "/") document.querySelector("[data-search]")?.focus();
      else if (keys === "?") showHelp(true);
      else if (keys === "r") bus.dispatchEvent(new Event("again"));
      else if (views.some((each) => each.keys?.startsWith(`${keys} `))) {
        before = keys;
        timer = setTimeout(() => (before = ""), STEP_MS);
        return;
      } else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [views]);
}

function View({ found, about }) {
  const [Loaded, setLoaded] = useState(null);
  const [error, forgive] = useErrorBoundary();
  useEffect(() => {
    let gone = false;
    forgive();
    found.view.load().then(
      (module) => gone || setLoaded(() => module.default),
      (problem) => toast(`This view cannot be loaded: ${problem.message}`, "error"),
    );
    return () => (gone = true);
  }, []);
  if (error) {
    console.error(error);
    return html`<p class="error" role="alert">This view has failed: ${String(error.message || error)}</p>`;
  }
  return Loaded && html`<${Loaded} params=${found.params} query=${found.query} about=${about} />`;
}

function Help({ views, onClose }) {
  const rows = [
    ["/", "search or filter"],
    ["r", "ask again"],
    ["↑ ↓", "move in a table"],
    ["Enter", "open"],
    ["Esc", "close, clear"],
    ...views.filter((view) => view.keys).map((view) => [view.keys, view.title]),
  ];
  return html`<${Dialog} title="Keys" onClose=${onClose}><dl class="keys">
    ${rows.map(([keys, what]) => html`<div><dt>${keys.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</dt>
      <dd>${what}</dd></div>`)}
  </dl><//>`;
}

function Token({ refused, onDone }) {
  const said = ({ token }) => (setToken(token.trim()), onDone());
  return html`<main class="token"><h1>kbroker</h1>
    <p>${refused ? "This token is not the one." : "This broker asks for a token."} It is the value of <code>kbroker.http.token</code>, and stays in this tab.</p>
    <${Form} fields=${[{ name: "token", label: "Token", type: "password", required: true }]} submit="Enter"
      onSubmit=${said} /></main>`;
}

function App() {
  const hash = useHash();
  const [about, setAbout] = useState(null);
  const [asking, setAsking] = useState(null);
  const [help, showHelp] = useState(false);
  const [theme, nextTheme] = useTheme();
  const views = VIEWS.filter((view) => !view.when || (about && view.when(about)));
  useKeys(views, showHelp);
  const greet = () => get("/about").then(setAbout, (error) => error.status !== 401 && toast(error.message, "error"));
  useEffect(() => {
    const wanted = ({ detail }) => setAsking(detail);
    bus.addEventListener("token", wanted);
    greet();
    return () => bus.removeEventListener("token", wanted);
  }, []);
  if (asking)
    return html`<${Token} key=${asking.refused} refused=${asking.refused}
      onDone=${() => (setAsking(null), greet())} />`;
  const found = route(hash);
  return html`<a class="skip" href="#main"
    onClick=${(e) => (e.preventDefault(), document.getElementById("main").focus())}>To the content</a>
    <${Navigation} ...${{ views, found, about, theme, nextTheme, showHelp }} />
    <main id="main" tabindex="-1">${
      about &&
      (found
        ? html`<${View} key=${found.view.path + JSON.stringify(found.params)} found=${found} about=${about} />`
        : html`<p class="empty">There is no such page. <a href="#/">Overview</a></p>`)
    }</main>
    ${help && html`<${Help} views=${views} onClose=${() => showHelp(false)} />`}
    <${Toasts} />`;
}

function Navigation({ views, found, about, theme, nextTheme, showHelp }) {
  const root = found && `/${found.view.path.split("/")[1]}`;
  return html`<nav class="side" aria-label="Views">
    <a class="brand" href="#/">kbroker</a>
    <ul>${views
      .filter((view) => view.title && !view.path.includes(":"))
      .map(
        (view) =>
          html`<li><a href="#${view.path}" aria-current=${view.path === root ? "page" : undefined}
            title=${view.keys}>${view.title}</a></li>`,
      )}</ul>
    <footer>
      <button class="plain" onClick=${nextTheme}
        aria-label="Colours: ${theme}">${{ auto: "◐", light: "☀", dark: "☾" }[theme]} ${theme}</button>
      <button class="plain" onClick=${() => showHelp(true)} aria-label="Keys">? keys</button>
      <small>${about ? `kbroker ${about.version}` : ""}</small>
    </footer>
  </nav>`;
}

render(html`<${App} />`, document.getElementById("app"));
