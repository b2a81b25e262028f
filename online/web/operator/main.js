// Which question is looked at? One page for each, by the address behind #.

import { keep, key, takeKeyFromAddress } from "./api.js";
import { field, h, notice } from "./dom.js";
import * as business from "./business.js";
import * as catalogue from "./catalogue.js";
import * as experiments from "./experiments.js";
import * as live from "./live.js";
import * as playground from "./playground.js";
import * as rules from "./rules.js";
import * as search from "./search.js";
import * as users from "./users.js";

const PAGES = { live, business, search, catalogue, experiments, rules, playground, users };
const main = document.getElementById("main");
const leave = document.getElementById("leave");
let shown = new AbortController();

function chosen() {
  const name = location.hash.replace(/^#\/?/, "").split("?")[0];
  return name in PAGES ? name : "live";
}

function asksForKey(problem) {
  const input = h("input", { type: "password", required: true, autocomplete: "off", size: 60, name: "key" });
  const form = h("form", { class: "card narrow", onsubmit: (event) => {
    event.preventDefault();
    keep(input.value.trim());
    open();
  } },
  h("h1", {}, "The operator's key"),
  h("p", { class: "soft" }, "A key of scope admin. It stays in this tab and is gone when the tab is closed."),
  problem && notice(problem, "bad"),
  field("Key", input, "python -m online.keys create --name me --scopes admin"),
  h("button", { type: "submit" }, "Open"));
  document.title = "Setwise: the operator's key";
  main.replaceChildren(form);
  input.focus();
}

function navigation(current) {
  document.getElementById("nav").replaceChildren(...Object.entries(PAGES).map(([name, page]) =>
    h("li", {}, h("a", { href: `#/${name}`, "aria-current": name === current && "page" }, page.title))));
  // On a phone they lie in one row that is wider than the screen.
  document.querySelector("#nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
}

async function open() {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const name = chosen();
  const page = PAGES[name];
  leave.hidden = !key();
  navigation(key() ? name : "");
  if (!key()) return asksForKey();
  document.title = `Setwise: ${page.title}`;
  const room = h("div", { class: "page" });
  main.replaceChildren(h("h1", {}, page.question), room);
  try {
    await page.open(room, { signal, failed: (error) => failed(room, error, signal) });
  } catch (error) {
    failed(room, error, signal);
  }
}

function failed(room, error, signal) {
  if (signal.aborted || error.name === "AbortError") return;
  if (error.status === 401 || error.status === 403) {
    keep("");
    leave.hidden = true;
    asksForKey(error.message);
    return;
  }
  room.querySelectorAll(":scope > .notice.bad").forEach((old) => old.remove());
  room.prepend(notice(error.message, "bad"));
}

leave.addEventListener("click", () => {
  keep("");
  open();
});
window.addEventListener("hashchange", () => {
  takeKeyFromAddress();
  if (location.hash === "#main") return main.focus();
  open().then(() => main.focus({ preventScroll: true }));
});
takeKeyFromAddress();
open();
