// Elements made of data. Every text becomes a text node: nothing that a record holds is ever read as markup.

/** Returns the element of this id. */
export const $ = (id) => document.getElementById(id);

/** Makes an element; attributes that begin with `on` are listeners, `null` and `false` are left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const whole = new Intl.NumberFormat("en");

/** Returns a count with its thousands apart. */
export const count = (n) => whole.format(n);

/** Returns a count of things, as in "1 record". */
export const countOf = (n, thing) => `${count(n)} ${thing}${n === 1 ? "" : "s"}`;

/** Returns a number with as many digits as tell it from others of its size. */
export function short(n) {
  if (n === null || n === undefined) return "–";
  // What is left of a sum of many digits.
  if (Math.abs(n) < 1e-12) return "0";
  if (Number.isInteger(n) && Math.abs(n) < 1e15) return count(n);
  return Math.abs(n) >= 1e6 || Math.abs(n) < 1e-4 ? n.toExponential(2) : String(Number(n.toPrecision(4)));
}

/** Returns a value of metadata as it is written in a filter, but for the quotes of a text. */
export function shown(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(shown).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

const FEW_SAY = new Set("a about an and any are as at be by can did do does for from had has have how i in into is it its more my not of on one or some than that the this to was what when where which who why will with you".split(" "));

/** Returns what finds the words of a question in a text; null where it has none that say anything. */
export function finder(question) {
  const all = question.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = all.filter((word) => !FEW_SAY.has(word));
  const stems = new Set((telling.length ? telling : all).map((word) => (word.length > 4 ? word.replace(/(ing|ies|ed|es|s|e|y)$/, "") : word)));
  if (!stems.size) return null;
  // Only scripts that part words with spaces have ends of words to look for.
  const spaced = [...stems].filter((stem) => /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}]+$/u.test(stem));
  const others = [...stems].filter((stem) => !spaced.includes(stem));
  const parts = [];
  if (spaced.length) parts.push(`(?<![\\p{L}\\p{N}])(?:${spaced.join("|")})\\p{L}{0,4}(?![\\p{L}\\p{N}])`);
  if (others.length) parts.push(`(?:${others.join("|")})`);
  return new RegExp(parts.join("|"), "giu");
}

/** Returns a text as nodes, what a finder finds in it marked. */
export function marked(text, find) {
  if (!find) return [text];
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(find)) {
    nodes.push(text.slice(end, match.index), h("mark", {}, match[0]));
    end = match.index + match[0].length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

/** Cuts the part out of a text where most different words of a question stand close together. */
export function excerpt(text, find, length = 300) {
  const flat = text.slice(0, 200_000).replace(/\s+/g, " ").trim();
  if (flat.length <= length) return flat;
  const places = find ? [...flat.matchAll(find)].slice(0, 2000) : [];
  let [best, most] = [0, 0];
  places.forEach((place, at) => {
    const near = places.slice(at, at + 40).filter((other) => other.index < place.index + length - 40);
    const different = new Set(near.map((match) => match[0].toLowerCase().slice(0, 5))).size;
    if (different > most) [best, most] = [place.index, different];
  });
  const from = best < 60 ? 0 : flat.lastIndexOf(" ", best - 30) + 1;
  // A pair that stands for one character is not broken.
  const cut = [...flat.slice(from, from + length)].join("").replace(/[\ud800-\udbff]$/, "");
  const end = from + cut.length < flat.length ? " …" : "";
  return `${from > 0 ? "… " : ""}${cut}${end}`;
}
