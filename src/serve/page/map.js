// Records as points of a plane: drawn on a canvas that is dragged, zoomed and pointed at.

import { count, countOf, h, shown } from "./dom.js";
import * as api from "./api.js";

/** "Muted" by Paul Tol, which people who see fewer colours tell apart as well; the second is for dark paper. As `plot` has them. */
const PALETTE = [["#cc6677", "#cc6677"], ["#332288", "#8b82ee"], ["#ddcc77", "#ddcc77"], ["#117733", "#3fae68"], ["#88ccee", "#88ccee"],
  ["#882255", "#d0609c"], ["#44aa99", "#44aa99"], ["#999933", "#b5b53c"], ["#aa4499", "#c565b5"]];
const PLAIN = ["#4477aa", "#77aadd"];
const OTHER = ["#a1a1aa", "#a1a1aa"];
const NONE = ["#c4c4ca", "#62626a"];
/** Viridis, even in lightness. */
const RAMP = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const dark = matchMedia("(prefers-color-scheme: dark)");
const ink = (pair) => pair[dark.matches ? 1 : 0];

/** Shows the map; returns what is said of it. */
export async function showMap(panel, state, collection, condition, open, go, signal) {
  panel.replaceChildren(h("p", { class: "soft waiting" }, "Computing the map …"));
  const [found, keys] = await Promise.all([api.map(collection.id, state.where, state.color, signal), api.keys(collection.id, signal)]);
  if (!found.sampled) {
    panel.replaceChildren();
    return condition.where ? "no record passes the filter" : "the collection has no records yet";
  }
  const names = [...new Set(keys.map(({ key }) => key))];
  const colors = h("select", { id: "color", onchange: () => go({ color: colors.value }) },
    h("option", { value: "" }, "one colour"), names.map((name) => h("option", { value: name, selected: name === state.color }, name)));
  const places = placesOf(found);
  const classes = classesOf(found.values, places);
  const canvas = h("canvas", { tabindex: "0", role: "img", "aria-label": `Map of ${countOf(found.sampled, "record")}. Arrows move it, + and - zoom, 0 shows all of it.` });
  const tip = h("div", { class: "tip", hidden: true });
  const box = h("div", { class: "map" }, canvas, tip);
  const drawing = new Drawing(canvas, tip, found, places, classes, open);
  const tool = (label, name, act) => h("button", { class: "quiet tool", type: "button", "aria-label": name, title: name, onclick: act }, label);
  const tools = h("div", { class: "tools" }, h("label", {}, "Colour by ", colors), h("span", { class: "spring" }),
    tool("+", "zoom in", () => drawing.zoom(1.5)), tool("−", "zoom out", () => drawing.zoom(1 / 1.5)), tool("all", "show all of it", () => drawing.fit()));
  const [first, second] = found.explained.map((share) => (100 * share).toFixed(1));
  panel.replaceChildren(tools, box, legend(classes, drawing) ?? "", ...(clusters(found, drawing) ?? []),
    h("p", { class: "soft note" }, `The two principal components of ${collection.dimension} dimensions; they hold ${first}\u00a0% and ${second}\u00a0% of the variance. Points close together are similar in these two directions only.`));
  drawing.watch(signal);
  const sampled = found.sampled < found.records ? `a random sample of ${count(found.sampled)} of ${countOf(found.records, "record")}` : countOf(found.records, "record");
  const passing = condition.where ? " that pass the filter" : "";
  return `${sampled}${passing}${places.length < found.sampled ? ` at ${countOf(places.length, "place")}` : ""}`;
}

/** Puts points together that no screen could show apart. */
function placesOf(found) {
  const xs = found.points.map(([x]) => x);
  const ys = found.points.map(([, y]) => y);
  const span = (all) => all.reduce((most, x) => Math.max(most, x), -Infinity) - all.reduce((least, x) => Math.min(least, x), Infinity);
  const step = Math.max(span(xs), span(ys), Number.MIN_VALUE) / 20_000;
  const places = new Map();
  found.points.forEach(([x, y], at) => {
    const name = `${Math.round(x / step)} ${Math.round(y / step)}`;
    const place = places.get(name);
    if (place) place.members.push(at);
    else places.set(name, { x, y, members: [at] });
  });
  return [...places.values()];
}

/** Gives each place a colour: that of the value most of its records have. */
function classesOf(values, places) {
  if (!values) return [{ name: null, color: PLAIN, places, count: 0 }];
  const numbers = values.filter((value) => value !== null);
  const of = (place) => commonest(place.members.map((at) => values[at]));
  const none = { name: "none", color: NONE, places: places.filter((place) => of(place) === null), count: values.length - numbers.length };
  if (numbers.length && numbers.every((value) => typeof value === "number")) {
    const [least, most] = numbers.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
    const shade = (value) => (most > least ? Math.round(((value - least) / (most - least)) * (RAMP.length - 1)) : 4);
    const ramp = RAMP.map((color, at) => ({ name: null, color: [color, color], places: places.filter((place) => of(place) !== null && shade(of(place)) === at) }));
    return Object.assign([none, ...ramp], { scale: [least, most] });
  }
  const counts = new Map();
  values.forEach((value) => value !== null && counts.set(shown(value), (counts.get(shown(value)) ?? 0) + 1));
  const names = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const coloured = names.slice(0, PALETTE.length).map(([name, n], at) => ({ name, color: PALETTE[at], count: n, places: places.filter((place) => of(place) !== null && shown(of(place)) === name) }));
  const rest = new Set(names.slice(PALETTE.length).map(([name]) => name));
  const others = { name: `${count(rest.size)} others`, color: OTHER, count: names.slice(PALETTE.length).reduce((sum, [, n]) => sum + n, 0), places: places.filter((place) => rest.has(shown(of(place)))) };
  // The rarest last, on top of the others.
  return [none, others, ...coloured];
}

function commonest(values) {
  if (values.length === 1) return values[0];
  const counts = new Map();
  values.forEach((value) => counts.set(value, (counts.get(value) ?? 0) + 1));
  return [...counts].sort((a, b) => b[1] - a[1])[0][0];
}

function legend(classes, drawing) {
  if (classes.scale) {
    const [least, most] = classes.scale;
    return h("div", { class: "legend" }, h("span", {}, shown(least)), h("span", { class: "ramp", role: "img", "aria-label": "dark is least, light is most" }), h("span", {}, shown(most)));
  }
  const named = classes.filter(({ name, count }) => name !== null && count > 0);
  const entries = [...named.slice(2), ...named.slice(0, 2)].length ? named : [];
  if (!entries.length) return null;
  const ordered = [...entries].sort((a, b) => b.count - a.count);
  return h("ul", { class: "legend", "aria-label": "Colours" }, ordered.map((one) => {
    const dot = h("span", { class: "dot" });
    dot.style.background = ink(one.color);
    const entry = h("button", { class: "quiet", type: "button", "aria-pressed": "false", title: "show these alone", onclick: () => {
      const alone = entry.getAttribute("aria-pressed") !== "true";
      entry.closest("ul").querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", "false"));
      entry.setAttribute("aria-pressed", String(alone));
      drawing.only(alone ? one : null);
    } }, dot, h("bdi", {}, one.name.length > 40 ? `${one.name.slice(0, 39)}…` : one.name), h("span", { class: "soft" }, count(one.count)));
    return h("li", {}, entry);
  }));
}

/** The clusters as what leads to them: names on a canvas are read by nobody who does not see it. */
function clusters(found, drawing) {
  const named = found.clusters.filter(({ words }) => words.length);
  if (!named.length) return null;
  const lead = ({ centre, words, points }) => h("li", {}, h("button", { class: "quiet", type: "button", title: "show it from near", onclick: () => drawing.near(centre) },
    h("bdi", {}, words.join(", ")), h("span", { class: "soft" }, count(points))));
  return [h("h3", {}, "Clusters, by the words that tell them from the rest"), h("ul", { class: "legend", "aria-label": "Clusters" }, named.map(lead))];
}

/** The canvas: where of the plane it stands, and what the pointer is over. */
class Drawing {
  constructor(canvas, tip, found, places, classes, open) {
    Object.assign(this, { canvas, tip, found, places, classes, open, alone: null, over: null, pointers: new Map(), moved: 0 });
    const letters = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    this.radius = letters * (found.sampled <= 200 ? 5 : found.sampled <= 2000 ? 3.5 : 2.4);
  }

  /** Follows the pointer, the keys, the size and the colours of the screen until it is given up. */
  watch(signal) {
    const on = (target, name, act, options = {}) => target.addEventListener(name, act, { signal, ...options });
    on(this.canvas, "wheel", (event) => { event.preventDefault(); this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), this.at(event)); }, { passive: false });
    on(this.canvas, "pointerdown", (event) => { this.canvas.setPointerCapture(event.pointerId); this.pointers.set(event.pointerId, this.at(event)); this.moved = 0; });
    on(this.canvas, "pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) on(this.canvas, end, (event) => this.release(event));
    on(this.canvas, "pointerleave", () => this.point(null));
    on(this.canvas, "keydown", (event) => this.key(event));
    on(dark, "change", () => this.draw());
    const sizes = new ResizeObserver(() => this.resize());
    sizes.observe(this.canvas);
    signal.addEventListener("abort", () => sizes.disconnect());
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const sharp = devicePixelRatio || 1;
    [this.width, this.height] = [width, height];
    [this.canvas.width, this.canvas.height] = [Math.round(width * sharp), Math.round(height * sharp)];
    if (this.scale) this.draw();
    else this.fit();
  }

  /** Shows all points. */
  fit() {
    const [xs, ys] = [this.places.map(({ x }) => x), this.places.map(({ y }) => y)];
    const range = (all) => all.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
    const [[left, right], [low, high]] = [range(xs), range(ys)];
    this.middle = [(left + right) / 2, (low + high) / 2];
    const scale = Math.min((0.9 * this.width) / (right - left), (0.9 * this.height) / (high - low));
    this.least = Number.isFinite(scale) ? scale : 1;
    this.scale = this.least;
    this.draw();
  }

  /** Zooms so that what is under a place of the screen stays there. */
  zoom(by, [x, y] = [this.width / 2, this.height / 2]) {
    const scale = Math.min(Math.max(this.scale * by, this.least / 4), this.least * 5000);
    const [dx, dy] = [x - this.width / 2, y - this.height / 2];
    this.middle = [this.middle[0] + dx / this.scale - dx / scale, this.middle[1] - dy / this.scale + dy / scale];
    this.scale = scale;
    this.draw();
  }

  /** Shows the surroundings of a place. */
  near(middle) {
    [this.middle, this.scale] = [middle, this.least * 3];
    this.draw();
    this.canvas.focus();
  }

  pan(dx, dy) {
    this.middle = [this.middle[0] - dx / this.scale, this.middle[1] + dy / this.scale];
    this.draw();
  }

  place({ x, y }) {
    return [this.width / 2 + (x - this.middle[0]) * this.scale, this.height / 2 - (y - this.middle[1]) * this.scale];
  }

  /** Places that hold more records are larger. */
  size({ members }) {
    return this.radius * Math.min(4, 1 + Math.log2(members.length) / 3) * Math.min(2, Math.max(1, Math.sqrt(this.scale / this.least) / 2));
  }

  move(event) {
    const [x, y] = this.at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) return this.point([x, y]);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, [x, y]);
    this.moved += Math.hypot(x - before[0], y - before[1]);
    if (other) {
      const far = ([a, b]) => Math.max(1, Math.hypot(a - other[0], b - other[1]));
      this.zoom(far([x, y]) / far(before), other);
    } else {
      this.pan(x - before[0], y - before[1]);
    }
    this.tip.hidden = true;
  }

  release(event) {
    const was = this.pointers.delete(event.pointerId);
    if (!was || event.type !== "pointerup" || this.moved > 4 || this.pointers.size) return;
    this.point(this.at(event));
    if (this.over) this.open(this.found.ids[this.over.members[0]]);
  }

  key(event) {
    const step = 60;
    const acts = {
      ArrowLeft: () => this.pan(step, 0), ArrowRight: () => this.pan(-step, 0), ArrowUp: () => this.pan(0, step), ArrowDown: () => this.pan(0, -step),
      "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), 0: () => this.fit(),
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  /** Shows what is nearest to the pointer. */
  point(at) {
    const REACH = 14;
    let [near, best] = [null, REACH];
    for (const one of at ? this.alone?.places ?? this.places : []) {
      const [x, y] = this.place(one);
      const distance = Math.hypot(x - at[0], y - at[1]) - this.size(one);
      if (distance < best) [near, best] = [one, distance];
    }
    this.canvas.classList.toggle("over", near !== null);
    if (near !== this.over) {
      this.over = near;
      this.draw();
    }
    this.tip.hidden = near === null;
    if (!near) return;
    const ids = near.members.map((n) => this.found.ids[n]);
    const label = this.found.labels[near.members[0]];
    const value = this.found.values?.[near.members[0]];
    this.tip.replaceChildren(
      near.members.length > 1 ? h("p", { class: "soft" }, `${countOf(near.members.length, "record")} at this place`) : "",
      ...ids.slice(0, 3).map((id) => h("p", { class: "id" }, h("bdi", {}, id))),
      ids.length > 3 ? h("p", { class: "soft" }, `and ${count(ids.length - 3)} more`) : "",
      value === null || value === undefined ? "" : h("p", {}, shown(value)),
      label === null ? "" : h("p", { class: "label", dir: "auto" }, label));
    const [x, y] = this.place(near);
    const [width, height] = [this.tip.offsetWidth, this.tip.offsetHeight];
    this.tip.style.left = `${Math.max(4, Math.min(x + 14, this.width - width - 4))}px`;
    this.tip.style.top = `${y + 16 + height < this.height ? y + 16 : Math.max(4, y - height - 12)}px`;
  }

  only(one) {
    this.alone = one;
    this.draw();
  }

  draw() {
    if (!this.scale) return;
    const pen = this.canvas.getContext("2d");
    const sharp = this.canvas.width / this.width;
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    for (const one of this.classes) {
      pen.globalAlpha = this.alone && this.alone !== one ? 0.07 : 0.8;
      pen.fillStyle = ink(one.color);
      pen.strokeStyle = dark.matches ? "#fafafa55" : "#18181b55";
      pen.lineWidth = 0.5;
      for (const place of one.places) {
        const [x, y] = this.place(place);
        const size = this.size(place);
        if (x < -size || y < -size || x > this.width + size || y > this.height + size) continue;
        pen.beginPath();
        pen.arc(x, y, size, 0, 2 * Math.PI);
        pen.fill();
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
    if (!this.alone) this.names(pen);
    if (this.over) {
      const [x, y] = this.place(this.over);
      pen.strokeStyle = dark.matches ? "#fafafa" : "#18181b";
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, this.size(this.over) + 2, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  /** Writes the names of clusters where they cover no other. */
  names(pen) {
    const letters = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const line = letters * 1.15;
    pen.font = `600 ${letters * 0.9}px ${getComputedStyle(document.body).fontFamily}`;
    pen.textAlign = "center";
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.strokeStyle = dark.matches ? "#141416" : "#fdfdfc";
    pen.fillStyle = dark.matches ? "#e9e9e6" : "#1b1b19";
    const taken = [];
    for (const { centre: [x, y], words } of this.found.clusters) {
      const name = words.join(", ");
      const [left, top] = this.place({ x, y });
      const half = pen.measureText(name).width / 2 + 4;
      if (!name || left < 0 || top < 0 || left > this.width || top > this.height || 2 * half > this.width) continue;
      const middle = Math.min(Math.max(left, half), this.width - half);
      const covers = (at) => taken.some(([a, b, wide]) => Math.abs(a - middle) < wide + half && Math.abs(b - at) < line);
      const at = [0, 1, -1, 2, -2].map((by) => top + by * line).find((at) => at > line && at < this.height - 4 && !covers(at));
      if (at === undefined) continue;
      taken.push([middle, at, half]);
      pen.strokeText(name, middle, at);
      pen.fillText(name, middle, at);
    }
  }
}
