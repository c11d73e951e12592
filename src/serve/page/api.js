// What is asked of the server, and the token it is asked with: in this tab's session alone, never in an address or a log.

const TOKEN = "huedb.token";
const TENANT = "huedb.tenant";

/** A refusal, as the server words it. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const session = {
  get token() { return sessionStorage.getItem(TOKEN) ?? ""; },
  set token(text) { put(TOKEN, text); },
  /** The tenant that was asked for; empty for the one that the token is of. */
  get tenant() { return sessionStorage.getItem(TENANT) ?? ""; },
  set tenant(text) { put(TENANT, text); },
};

function put(key, text) {
  if (text) sessionStorage.setItem(key, text);
  else sessionStorage.removeItem(key);
}

/** Asks the server; returns its JSON. */
export async function ask(method, path, body, signal) {
  const headers = {};
  if (session.token) headers.authorization = `Bearer ${session.token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "the server does not answer; it may have been stopped");
  }
  const text = await answer.text();
  let said;
  try {
    said = JSON.parse(text);
  } catch {
    throw new Refusal(answer.status, `the server answers with what is no JSON (status ${answer.status})`);
  }
  if (!answer.ok) throw new Refusal(answer.status, said.message ?? `status ${answer.status}`);
  return said;
}

const part = encodeURIComponent;
let home = { tenant: "default_tenant", database: "default_database" };
const database = (root, name = home.database) => `${root}/tenants/${part(home.tenant)}/databases/${part(name)}`;
const of = (root, id, rest) => `${database(root)}/collections/${part(id)}${rest}`;
const values = (given) => {
  const pairs = Object.entries(given).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return pairs.length ? `?${pairs.map(([name, value]) => `${name}=${part(value)}`).join("&")}` : "";
};

/** Finds out who asks, and returns the databases there are to them. */
export async function connect() {
  const identity = await ask("GET", "/api/v2/auth/identity");
  const tenant = session.tenant || (identity.tenant === "*" ? "default_tenant" : identity.tenant);
  home = { tenant, database: "default_database" };
  const listed = await ask("GET", `/api/v2/tenants/${part(tenant)}/databases`).catch((error) => {
    if (error.status === 401) throw error;
    return identity.databases.filter((name) => name !== "*").map((name) => ({ name }));
  });
  return listed.map(({ name }) => name);
}

export const choose = (name) => { home = { ...home, database: name }; };

/** Every collection, by name. */
export async function collections() {
  const all = [];
  const PAGE = 500;
  for (let page; !page || page.length === PAGE; ) {
    page = await ask("GET", `${database("/api/v2")}/collections${values({ limit: PAGE, offset: all.length })}`);
    all.push(...page);
  }
  return all.sort((a, b) => a.name.localeCompare(b.name, "en"));
}

export const size = (id, signal) => ask("GET", of("/api/v2", id, "/count"), undefined, signal);
export const get = (id, body, signal) => ask("POST", of("/api/v2", id, "/get"), body, signal);
export const query = (id, body, signal) => ask("POST", of("/api/v2", id, "/query"), body, signal);
/** Reads a filter: its JSON, the keys in it that no record has, and how many records pass it. */
export const filter = (id, where, signal) => ask("GET", of("/huedb/v1", id, `/where${values({ where })}`), undefined, signal);
export const keys = (id, signal) => ask("GET", of("/huedb/v1", id, "/keys"), undefined, signal);
export const stats = (id, where, signal) => ask("GET", of("/huedb/v1", id, `/stats${values({ where })}`), undefined, signal);
export const map = (id, where, key, signal) => ask("GET", of("/huedb/v1", id, `/map${values({ where, key })}`), undefined, signal);

/** Returns the records of an answer in columns as objects. */
export function rows(answer, at = null) {
  const column = (name) => (at === null ? answer[name] : answer[name]?.[at]);
  return column("ids").map((id, n) => ({
    id,
    document: column("documents")?.[n] ?? null,
    metadata: column("metadatas")?.[n] ?? null,
    uri: column("uris")?.[n] ?? null,
    distance: column("distances")?.[n] ?? null,
    embedding: column("embeddings")?.[n] ?? null,
  }));
}
