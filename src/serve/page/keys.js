// The keyboard: what a key does outside of a field, and Escape everywhere.

import { $ } from "./dom.js";

const rows = () => [...document.querySelectorAll("#panel .row")];

/** Listens; `acts` says what there is to do. */
export function listen(acts) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    const target = event.target;
    const isField = target.matches("input, select, textarea");
    if (event.key === "Escape") return escape(event, isField && target, acts);
    if (isField && !(event.key === "ArrowDown" && target.id === "text")) return;
    const act = {
      "/": () => focus($("text")),
      f: () => focus($("where")),
      "?": () => acts.help(),
      1: () => acts.tab("records"),
      2: () => acts.tab("map"),
      3: () => acts.tab("statistics"),
      ArrowDown: () => step(target, 1),
      ArrowUp: () => step(target, -1),
      Home: () => target.matches(".row") && rows()[0]?.focus(),
      End: () => target.matches(".row") && rows().at(-1)?.focus(),
      ArrowLeft: () => turn(target, -1),
      ArrowRight: () => turn(target, 1),
    }[event.key];
    if (act && act() !== false) event.preventDefault();
  });
}

function focus(field) {
  if (!field.offsetParent) return false;
  field.focus();
  field.select();
}

/** Goes to another record of the list that has the focus; to the first where none has it. */
function step(target, by) {
  const list = target.closest(".list");
  const all = list ? [...list.querySelectorAll(".row")] : rows();
  if (target.closest(".record") && !list) return false;
  const at = all.indexOf(target);
  if (at === 0 && by < 0 && !list.closest(".record")) return focus($("text"));
  const next = at < 0 ? all[0] : all[at + by];
  if (!next) return false;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function turn(target, by) {
  if (target.matches("[role=tab]")) {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    const next = tabs.at((tabs.indexOf(target) + by) % tabs.length);
    next.focus();
    next.click();
    return true;
  }
  const button = $(by < 0 ? "previous" : "next");
  if (!button || button.disabled || target.closest(".record, .wide")) return false;
  button.click();
}

function escape(event, field, acts) {
  if (field && field.value && field.type === "search") return acts.clear();
  if (field) return field.blur();
  if (acts.close()) event.preventDefault();
}
