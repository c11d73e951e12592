// Records one below the other: a page of all that pass the filter, or the hits of a search.

import { count, countOf, excerpt, finder, h, marked, shown } from "./dom.js";
import * as api from "./api.js";

const PAGE = 25;
/** Metadata that says where a piece of a text is from, which its id says as well. */
const OF_PIECES = /^(chunk(_.*)?|synced_from)$/;
const CHIPS = 6;

/** Shows a list; returns what is said of it. */
export async function showList(panel, state, collection, condition, open, go, signal) {
  const start = performance.now();
  const include = ["documents", "metadatas", "uris"];
  if (state.text.trim()) {
    const asked = { query_texts: [state.text], n_results: state.hits, where: condition.where ?? undefined, include: [...include, "distances"] };
    const hits = api.rows(await api.query(collection.id, asked, signal), 0);
    const took = Math.max(1, Math.round(performance.now() - start));
    const more = hits.length === state.hits && state.hits < 500
      ? h("button", { class: "quiet", type: "button", onclick: () => go({ hits: state.hits * 2 }, true) }, "More hits")
      : null;
    draw(panel, hits, state, open, more);
    const among = condition.where ? `${countOf(condition.records, "record")} that pass the filter` : countOf(condition.records, "record");
    return hits.length ? `${countOf(hits.length, "hit")} of ${among}, nearest first, ${took} ms` : `nothing found among ${among}`;
  }
  const offset = (state.page - 1) * PAGE;
  const asked = { limit: PAGE, offset, where: condition.where ?? undefined, include };
  const records = api.rows(await api.get(collection.id, asked, signal));
  const last = Math.max(1, Math.ceil(condition.records / PAGE));
  const turn = (to, label, name) => h("button", { class: "quiet", type: "button", id: name, disabled: to < 1 || to > last, onclick: () => go({ page: to }) }, label);
  const pages = last > 1
    ? [turn(state.page - 1, "← Previous", "previous"), h("span", {}, `page ${count(state.page)} of ${count(last)}`), turn(state.page + 1, "Next →", "next")]
    : null;
  draw(panel, records, state, open, pages);
  if (!condition.records) return condition.where ? "no record passes the filter" : "the collection has no records yet";
  if (!records.length) return `there is no page ${count(state.page)}`;
  const passing = condition.where ? " that pass the filter" : "";
  return `${count(offset + 1)}–${count(offset + records.length)} of ${countOf(condition.records, "record")}${passing}`;
}

function draw(panel, records, state, open, below) {
  const list = h("ol", { class: "list", "aria-label": state.text.trim() ? "Hits" : "Records" });
  records.forEach((record) => list.append(h("li", {}, row(record, state.text, open, state.id))));
  panel.replaceChildren(list, below ? h("div", { class: "pages" }, below) : "");
}

/** A record as a button that opens it. */
export function row(record, question, open, current = null) {
  const find = question.trim() ? finderOf(question) : null;
  const text = record.document === null ? h("em", { class: "soft" }, "no document") : marked(excerpt(record.document, find), find);
  const metadata = Object.entries(record.metadata ?? {}).filter(([key]) => !OF_PIECES.test(key));
  const chips = metadata.slice(0, CHIPS).map(([key, value]) => h("span", { class: "chip" }, h("span", { class: "key" }, key), " ", h("bdi", {}, cut(shown(value), 60))));
  if (metadata.length > CHIPS) chips.push(h("span", { class: "chip soft" }, `and ${metadata.length - CHIPS} more`));
  const distance = record.distance === null ? null : h("span", { class: "distance", title: "distance; smaller is nearer" }, record.distance.toFixed(4));
  return h("button", { class: "row", type: "button", "data-id": record.id, "aria-current": record.id === current ? "true" : null, onclick: () => open(record.id) },
    h("span", { class: "row-head" }, h("bdi", { class: "id" }, record.id), distance),
    h("span", { class: "text", dir: "auto" }, text),
    chips.length ? h("span", { class: "chips" }, chips) : null);
}

let known = { question: null, find: null };
function finderOf(question) {
  if (known.question !== question) known = { question, find: finder(question) };
  return known.find;
}

const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
