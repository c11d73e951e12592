// What is shown, as the address has it behind the #, and what leads from one view to another.
//
// A view is `#/database/collection/tab?q=&where=&page=&id=&color=`. Whatever changes it goes through `go`, and `render` asks the
// server for what has changed alone; what was asked for before and is no longer wanted is given up.

import { $, count, countOf, h } from "./dom.js";
import * as api from "./api.js";
import { showList } from "./list.js";
import { showRecord } from "./record.js";
import { showMap } from "./map.js";
import { showStatistics } from "./stats.js";
import { listen } from "./keys.js";

const TABS = ["records", "map", "statistics"];
const HITS = 20;
const PAUSE = 250;

let state = read();
let collections = [];
let databases = [];
let known = {};
let drawn = { panel: "", record: "", collection: "" };
let opener = null;

function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [database = "", name = "", tab = ""] = path.split("/").map((part) => { try { return decodeURIComponent(part); } catch { return ""; } });
  const given = new URLSearchParams(query);
  return {
    database, name, tab: TABS.includes(tab) ? tab : "records", text: given.get("q") ?? "", where: given.get("where") ?? "",
    page: Math.max(1, Number.parseInt(given.get("page") ?? "1", 10) || 1), id: given.get("id"), color: given.get("color") ?? "", hits: HITS,
  };
}

function written({ database, name, tab, text, where, page, id, color }) {
  const given = new URLSearchParams();
  if (text) given.set("q", text);
  if (where) given.set("where", where);
  if (page > 1) given.set("page", page);
  if (color) given.set("color", color);
  if (id !== null) given.set("id", id);
  const query = given.toString();
  return `#/${[database, name, tab].map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

/** Goes to another view; what is typed replaces the one before instead of adding to the history. */
function go(changes, replaces = false) {
  state = { ...state, ...changes };
  history[replaces ? "replaceState" : "pushState"](null, "", written(state));
  render();
}

const say = (text) => $("status").replaceChildren(text);

/** Returns a signal, and gives up what the one before of this name was for. */
const signals = {};
function fresh(name) {
  signals[name]?.abort();
  signals[name] = new AbortController();
  return signals[name].signal;
}

/** Does what asks the server, and says what it refuses. */
async function attempt(work, refused = say) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    if (error.status === 401) signIn(error.message);
    refused(error.message);
    return undefined;
  }
}

/** Takes the key of `huedb browse` out of the address, and gives it for a token. */
async function enter() {
  const given = new URLSearchParams(location.hash.slice(1));
  const key = given.get("key");
  if (key === null) return;
  history.replaceState(null, "", `#${given.get("view") ?? ""}`);
  state = read();
  const { token } = await api.ask("POST", "/huedb/v1/enter", { key });
  api.session.token = token;
  api.session.tenant = given.get("tenant") ?? "";
}

async function start() {
  await attempt(async () => {
    await enter();
    databases = await api.connect();
    if (!databases.includes(state.database)) state.database = databases.includes("default_database") ? "default_database" : databases[0] ?? "default_database";
    await use(state.database);
  }, (message) => { $("facts").textContent = message; });
}

async function use(database) {
  api.choose(database);
  collections = await api.collections();
  known = {};
  drawn = { panel: "", record: "", collection: "" };
  $("database").replaceChildren(...databases.map((name) => h("option", { selected: name === database }, name)));
  $("database-label").hidden = databases.length < 2;
  if (!collections.some(({ name }) => name === state.name)) state = { ...state, name: collections[0]?.name ?? "", id: null };
  $("collection-list").replaceChildren(...collections.map((one) => h("li", {}, h("a", {
    href: written({ ...blank(), database, name: one.name }), "data-name": one.name,
  }, h("bdi", {}, one.name), h("span", { class: "count", "data-count": one.id })))));
  history.replaceState(null, "", written(state));
  render();
  // Few at a time: there may be hundreds.
  const signal = fresh("sizes");
  for (const one of collections) {
    const size = await attempt(() => api.size(one.id, signal), () => {});
    if (signal.aborted) return;
    if (size !== undefined) document.querySelector(`[data-count="${one.id}"]`).textContent = count(size);
  }
}

const blank = () => ({ ...state, tab: state.tab, text: "", where: "", page: 1, id: null, color: "", hits: HITS });

async function render() {
  const collection = collections.find(({ name }) => name === state.name);
  document.title = collection ? `${collection.name} – huedb` : "huedb";
  document.querySelectorAll("#collection-list a").forEach((link) => {
    if (link.dataset.name === state.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  $("title").textContent = collection?.name ?? "No collections";
  $("search").hidden = $("tabs").hidden = !collection;
  document.querySelectorAll("[role=tab]").forEach((tab) => {
    tab.setAttribute("aria-selected", String(tab.dataset.tab === state.tab));
    tab.tabIndex = tab.dataset.tab === state.tab ? 0 : -1;
  });
  $("panel").setAttribute("aria-labelledby", `tab-${state.tab}`);
  if (!collection) {
    $("facts").textContent = "There is no collection here that this token may read. `huedb create NAME` makes one.";
    $("panel").replaceChildren();
    return;
  }
  for (const [field, value] of [[$("text"), state.text], [$("where"), state.where]]) {
    if (document.activeElement !== field) field.value = value;
  }
  if (drawn.collection !== collection.id) about(collection);
  await attempt(async () => {
    const condition = await conditionOf(collection);
    if (!condition) return;
    await Promise.all([panel(collection, condition), record(collection, condition)]);
  });
}

/** Says what a collection is, and which keys a filter can have. */
function about(collection) {
  drawn.collection = collection.id;
  const { hnsw, spann, embedding_function: model } = collection.configuration_json;
  // Chroma's default function is this model.
  const named = model?.name === "default" ? "all-MiniLM-L6-v2" : model?.config?.model_name ?? model?.config?.model ?? model?.name;
  const facts = [collection.dimension ? countOf(collection.dimension, "dimension") : "no embeddings yet", (hnsw ?? spann)?.space, named && named !== "legacy" ? named : null];
  $("facts").replaceChildren(...facts.filter(Boolean).flatMap((fact, at) => (at ? [" · ", fact] : [fact])));
  attempt(async () => {
    const keys = await api.keys(collection.id, fresh("keys"));
    $("keys").replaceChildren(...[...new Set(keys.map(({ key }) => key))].map((key) => h("option", { value: key })));
  }, () => {});
}

/** Has the server read the filter; undefined, and said why, where it cannot be one. */
async function conditionOf(collection) {
  const [said, field] = [$("where-said"), $("where")];
  const name = `${collection.id} ${state.where}`;
  let refusal = null;
  if (known.name !== name) {
    const signal = fresh("where");
    const all = known.id === collection.id ? known.all : await api.size(collection.id, signal);
    try {
      const found = state.where.trim() ? await api.filter(collection.id, state.where, signal) : { where: null, unknown_keys: [], records: all };
      known = { name, id: collection.id, all, ...found };
    } catch (error) {
      if (error.status !== 400) throw error;
      refusal = error.message;
    }
  }
  field.setAttribute("aria-invalid", String(refusal !== null));
  const unknown = refusal === null && known.all > 0 ? known.unknown_keys : [];
  said.textContent = refusal ?? unknown.map((key) => `no record has the metadata key ${JSON.stringify(key)}`).join("; ");
  said.classList.toggle("warning", refusal === null);
  if (refusal === null) return known;
  known = {};
  say("not applied: the filter cannot be read");
  return undefined;
}

async function panel(collection, condition) {
  const { tab, text, where, page, hits, color } = state;
  const wanted = JSON.stringify([collection.id, tab, where, ...(tab === "records" ? [text, page, hits] : tab === "map" ? [color] : [])]);
  if (drawn.panel === wanted) return mark();
  const signal = fresh("panel");
  const target = $("panel");
  const at = document.activeElement?.closest?.("#panel") ? document.activeElement.id : null;
  target.setAttribute("aria-busy", "true");
  const shown = await attempt(async () => {
    if (tab === "map") return showMap(target, state, collection, condition, open, go, signal);
    if (tab === "statistics") return showStatistics(target, state, collection, condition, go, signal);
    return showList(target, state, collection, condition, open, go, signal);
  }, (message) => { target.replaceChildren(h("p", { class: "said" }, message)); say(""); });
  if (signal.aborted) return;
  target.setAttribute("aria-busy", "false");
  if (shown === undefined) return;
  drawn.panel = wanted;
  say(shown);
  mark();
  if (at && $(at)) $(at).focus();
  else if (at) target.querySelector(".row")?.focus();
}

/** Marks the record that is open. */
function mark() {
  document.querySelectorAll("#panel .row").forEach((row) => {
    if (row.dataset.id === state.id) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  });
}

async function record(collection, condition) {
  const aside = $("record");
  const wanted = state.id === null ? "" : JSON.stringify([collection.id, state.id, state.where]);
  aside.hidden = state.id === null;
  document.body.classList.toggle("with-record", state.id !== null);
  if (drawn.record === wanted) return;
  drawn.record = wanted;
  const signal = fresh("record");
  if (!wanted) return aside.replaceChildren();
  await attempt(() => {
    const shown = showRecord(state, collection, condition, open, close, say, signal);
    return shown;
  }, (message) => aside.append(h("p", { class: "said" }, message)));
  if (!signal.aborted && opener) $("record-title")?.focus();
}

function open(id) {
  if (!document.activeElement?.closest("#record")) opener = document.activeElement;
  go({ id });
}

/** Closes the record; returns whether one was open. */
function close() {
  if (state.id === null) return false;
  go({ id: null });
  if (opener?.isConnected) opener.focus();
  opener = null;
  return true;
}

function signIn(message = "") {
  // A first visit has done nothing wrong yet.
  $("sign-in-said").textContent = message.startsWith("a token is needed") ? "" : message;
  $("tenant").value = api.session.tenant;
  $("token").value = "";
  if (!$("sign-in").open) $("sign-in").showModal();
  $("token").focus();
}

function typed(field, name) {
  let waiting;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => go({ [name]: field.value, page: 1, hits: HITS, ...(name === "text" && state.tab !== "records" ? { tab: "records" } : {}) }, true), PAUSE);
  });
}

typed($("text"), "text");
typed($("where"), "where");
$("search").addEventListener("submit", (event) => { event.preventDefault(); document.querySelector("#panel .row")?.focus(); });
$("tabs").addEventListener("click", (event) => { const tab = event.target.closest("[role=tab]"); if (tab) go({ tab: tab.dataset.tab }); });
$("database").addEventListener("change", () => attempt(() => { state = { ...blank(), database: $("database").value, name: "" }; return use(state.database); }));
$("skip").addEventListener("click", () => $("main").focus());
$("access").addEventListener("click", () => signIn());
$("help-button").addEventListener("click", () => $("help").showModal());
$("sign-in-close").addEventListener("click", () => $("sign-in").close());
$("sign-out").addEventListener("click", () => { api.session.token = api.session.tenant = ""; location.reload(); });
$("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("token").value.trim()) api.session.token = $("token").value.trim();
  api.session.tenant = $("tenant").value.trim();
  $("sign-in").close();
  $("token").value = "";
  start();
});
$("menu").addEventListener("click", () => {
  const shows = $("collections").classList.toggle("shown");
  $("menu").setAttribute("aria-expanded", String(shows));
});
$("collections").addEventListener("click", (event) => {
  if (!event.target.closest("a")) return;
  $("collections").classList.remove("shown");
  $("menu").setAttribute("aria-expanded", "false");
});
addEventListener("popstate", () => {
  const before = state;
  state = { ...read(), hits: HITS };
  if (state.database !== before.database && databases.includes(state.database)) attempt(() => use(state.database));
  else render();
});
listen({
  help: () => $("help").showModal(),
  tab: (tab) => (collections.length ? go({ tab }) : false),
  close,
  clear: () => { $("text").value = ""; go({ text: "", page: 1, hits: HITS }, true); },
});
start();
