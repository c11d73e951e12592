// How embeddings and documents are spread, and which metadata there is.

import { count, countOf, h, short, shown, svg } from "./dom.js";
import * as api from "./api.js";

const [WIDTH, HEIGHT] = [640, 150];

/** Shows statistics of the records that pass the filter; returns what is said of them. */
export async function showStatistics(panel, state, collection, condition, go, signal) {
  panel.replaceChildren(h("p", { class: "soft waiting" }, "Measuring …"));
  const [found, keys] = await Promise.all([api.stats(collection.id, state.where, signal), api.keys(collection.id, signal)]);
  if (!found.sampled) {
    panel.replaceChildren();
    return condition.where ? "no record passes the filter" : "the collection has no records yet";
  }
  panel.replaceChildren(h("div", { class: "figures" },
    figure("Distance to the nearest other record", found.nearest, "A useful limit of distance lies between this and that of random pairs."),
    figure("Distance of random pairs", found.pairs, "How far apart records are that have nothing to do with each other."),
    figure("Length of documents, in characters", found.lengths, ""),
    figure("Length of embeddings", found.norms, "1 where the model normalises them.")),
    h("h3", {}, "Metadata of all records"), table(keys, condition.all, go));
  const sampled = found.sampled < found.records ? `a random sample of ${count(found.sampled)} of ${countOf(found.records, "record")}` : countOf(found.records, "record");
  return `measured ${sampled}${condition.where ? " that pass the filter" : ""}`;
}

function figure(title, spread, note) {
  const bins = spread.bins;
  if (!bins.length) return h("figure", {}, h("figcaption", {}, title), h("p", { class: "soft" }, "nothing to measure"));
  const told = note ? h("p", { class: "soft note" }, note) : null;
  if (spread.max - spread.min < 1e-4 * spread.max) return h("figure", {}, h("figcaption", {}, title), h("p", {}, `${short(Number(spread.mean.toPrecision(4)))} for all`), told);
  const most = Math.max(...bins.map(([, , n]) => n));
  const base = HEIGHT - 1;
  const wide = WIDTH / bins.length;
  const bars = bins.map(([from, to, n], at) => {
    const high = n ? Math.max(1.5, (n / most) * (base - 6)) : 0;
    return svg("rect", { class: "bin", x: (at * wide + 0.75).toFixed(2), y: (base - high).toFixed(2), width: Math.max(1, wide - 1.5).toFixed(2), height: high.toFixed(2) },
      svg("title", {}, `${short(from)} to ${short(to)}: ${count(n)}`));
  });
  const ends = h("p", { class: "ends soft", "aria-hidden": "true" }, h("span", {}, short(bins[0][0])), h("span", {}, short(bins[bins.length - 1][1])));
  const said = `${title}: half of them up to ${short(spread.p50)}, from ${short(spread.min)} to ${short(spread.max)}`;
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": said }, bars,
    svg("line", { class: "base", x1: 0, y1: base, x2: WIDTH, y2: base }));
  const names = { min: "min", p10: "10 %", p50: "median", p90: "90 %", max: "max", mean: "mean" };
  const numbers = Object.entries(names).map(([key, name]) => h("div", {}, h("dt", {}, name), h("dd", {}, short(spread[key]))));
  return h("figure", {}, h("figcaption", {}, title), drawing, ends, h("dl", { class: "numbers" }, numbers), told);
}

function table(keys, records, go) {
  if (!keys.length) return h("p", { class: "soft" }, "No record has metadata.");
  const body = keys.map((key) => {
    const range = shown(key.min) === shown(key.max) ? shown(key.min) : `${cut(shown(key.min))} … ${cut(shown(key.max))}`;
    const share = h("meter", { min: 0, max: Math.max(1, records), value: key.records, "aria-label": "share of all records" });
    const color = h("button", { class: "link", type: "button", title: "colour the map by it", onclick: () => go({ tab: "map", color: key.key }) }, key.key);
    return h("tr", {}, h("th", { scope: "row" }, color), h("td", {}, key.type), h("td", { class: "number" }, count(key.records), " ", share),
      h("td", { class: "number" }, count(key.distinct)), h("td", {}, h("bdi", {}, range)));
  });
  const head = ["Key", "Type", "Records", "Distinct values", "Range"].map((name) => h("th", { scope: "col" }, name));
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Metadata keys" },
    h("table", { class: "keys-table" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

const cut = (text) => (text.length > 32 ? `${text.slice(0, 31)}…` : text);
