// One record as a whole, beside the list: its text, its metadata, and what lies nearest to it.

import { $, countOf, finder, h, marked, shown } from "./dom.js";
import * as api from "./api.js";
import { row } from "./list.js";

const NEAREST = 10;
/** Longer documents are shown up to here; their end is asked for. */
const MOST_CHARACTERS = 100_000;

/** Shows a record, then its neighbours; an empty aside where there is none of this id. */
export async function showRecord(state, collection, condition, open, close, say, signal) {
  const aside = $("record");
  const found = await api.get(collection.id, { ids: [state.id], include: ["documents", "metadatas", "uris", "embeddings"] }, signal);
  const [record] = api.rows(found);
  const heading = h("h2", { class: "id", tabindex: "-1", id: "record-title" }, h("bdi", {}, state.id));
  const copy = h("button", { class: "quiet", type: "button", onclick: () => copied(state.id, say) }, "Copy id");
  const shut = h("button", { class: "quiet", type: "button", "aria-keyshortcuts": "Escape", onclick: close }, "Close");
  const head = h("div", { class: "record-head" }, heading, h("div", { class: "buttons" }, copy, shut));
  if (!record) {
    aside.replaceChildren(head, h("p", { class: "said" }, "There is no such record any longer."));
    return;
  }
  const nearest = h("div", { class: "nearest" }, h("p", { class: "soft" }, "Looking …"));
  aside.replaceChildren(head, ...documentOf(record, state.text), ...metadataOf(record), ...embeddingOf(record),
    h("h3", {}, "Nearest records"), nearest);
  aside.scrollTop = 0;
  const text = aside.querySelector(".document");
  const mark = text?.querySelector("mark");
  if (mark) text.scrollTop = mark.offsetTop - text.clientHeight / 3;
  if (!record.embedding) {
    nearest.replaceChildren(h("p", { class: "soft" }, "It has no embedding."));
    return;
  }
  const asked = { query_embeddings: [record.embedding], n_results: NEAREST + 1, where: condition.where ?? undefined, include: ["documents", "metadatas", "uris", "distances"] };
  const others = api.rows(await api.query(collection.id, asked, signal), 0).filter((other) => other.id !== record.id).slice(0, NEAREST);
  const among = condition.where ? "among those that pass the filter" : `in ${collection.name}`;
  const list = h("ol", { class: "list", "aria-label": `Records nearest to ${record.id}` }, others.map((other) => h("li", {}, row(other, "", open))));
  nearest.replaceChildren(h("p", { class: "soft" }, others.length ? `${countOf(others.length, "record")}, nearest first, ${among}` : `There is no other record ${among}.`), list);
}

function documentOf(record, question) {
  if (record.document === null) return [h("p", { class: "soft" }, "It has no document.")];
  const find = question.trim() ? finder(question) : null;
  const box = h("div", { class: "document", dir: "auto" });
  const fill = (length) => box.replaceChildren(...marked(record.document.slice(0, length), find));
  fill(MOST_CHARACTERS);
  if (record.document.length <= MOST_CHARACTERS) return [box];
  const rest = h("button", { class: "quiet", type: "button", onclick: () => { fill(record.document.length); rest.remove(); } },
    `Show all of it: ${countOf(record.document.length, "character")}`);
  return [box, rest];
}

function metadataOf(record) {
  const rows = Object.entries(record.metadata ?? {});
  if (record.uri !== null) rows.unshift(["uri", record.uri]);
  if (!rows.length) return [];
  const table = h("table", { class: "facts-table" }, h("caption", { class: "hidden" }, "Metadata"),
    h("tbody", {}, rows.map(([key, value]) => h("tr", {}, h("th", { scope: "row" }, key), h("td", {}, h("bdi", {}, shown(value)))))));
  return [h("h3", {}, "Metadata"), table];
}

function embeddingOf(record) {
  if (!record.embedding) return [];
  const length = Math.hypot(...record.embedding);
  return [h("details", { class: "embedding" }, h("summary", {}, `Embedding: ${countOf(record.embedding.length, "dimension")}, length ${length.toPrecision(4)}`),
    h("p", { class: "mono" }, record.embedding.map((x) => x.toPrecision(4)).join(" ")))];
}

async function copied(id, say) {
  try {
    await navigator.clipboard.writeText(id);
    say("copied the id");
  } catch {
    say("this browser does not let a page copy here; select the id instead");
  }
}
