// What happens to one prompt, step by step? And what would another release, or knowing the shopper, change?

import { read } from "./api.js";
import { card, field, figure, figures, h, notice, select } from "./dom.js";
import { count, money, ms, precise } from "./format.js";
import { bars } from "./plot.js";
import { table } from "./table.js";

export const title = "Playground";
export const question = "What happens to one prompt, step by step?";

const STAGES = ["understand", "encode", "retrieve", "hydrate", "rank", "assemble"];
const LONGEST = 6;

export async function open(room, { signal, failed }) {
  const given = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const [{ release, kept }, flags] = await Promise.all([read("/v1/operator/live", { signal }), read("/v1/operator/variants", { signal })]);
  const prompt = h("input", { name: "prompt", required: true, maxlength: 512, value: given.get("prompt") ?? "a cosy mid-century living room under $1500, no leather" });
  const user = h("input", { name: "user", maxlength: 64, autocomplete: "off", value: given.get("user") ?? "" });
  const top = h("input", { name: "top", type: "number", min: 1, max: 50, value: 8 });
  const releases = [["", `${release} (live)`], ...kept.filter((one) => one !== release).map((one) => [one, one])];
  const variants = Object.entries(flags).flatMap(([flag, names]) => names.map((name) => [JSON.stringify({ [flag]: name }), `${flag}: ${name}`]));
  const against = [["", "nothing"], ["nobody", "the same, asked by nobody"], ...releases.slice(1).map(([one]) => [one, `release ${one}`]), ...variants];
  let chosen = "";
  let beside = given.get("beside") ?? "";
  const sides = h("div", { class: "sides", "aria-live": "polite", "aria-busy": "false" });

  function body(of, asker, under = {}) {
    const request = { prompt: prompt.value, explain: true, ...(asker ? { user_id: asker } : {}) };
    return { request, release: of, variants: under, top: Number(top.value) || 8 };
  }

  async function play() {
    sides.setAttribute("aria-busy", "true");
    const wanted = [body(chosen, user.value.trim())];
    if (beside === "nobody") wanted.push(body(chosen, ""));
    else if (beside.startsWith("{")) wanted.push(body(chosen, user.value.trim(), JSON.parse(beside)));
    else if (beside) wanted.push(body(beside, user.value.trim()));
    try {
      const played = await Promise.all(wanted.map((one) => read("/v1/operator/playground", { method: "POST", body: one, signal })));
      sides.className = played.length > 1 ? "sides two" : "sides";
      const names = [user.value.trim() ? `as ${user.value.trim()}` : "as nobody", against.find(([one]) => one === beside)?.[1]];
      sides.replaceChildren(...played.map((one, at) => side(one, names[at], played[1 - at])));
    } finally {
      sides.setAttribute("aria-busy", "false");
    }
  }

  room.append(h("form", { class: "card", onsubmit: (event) => {
    event.preventDefault();
    play().catch(failed);
  } },
  h("div", { class: "row wide" }, field("Prompt", prompt)),
  h("div", { class: "row" }, field("User id", user, "empty = nobody"), field("Release", select(releases, chosen, (value) => { chosen = value; }, "Release")),
    field("Beside it", select(against, beside, (value) => { beside = value; }, "Beside it")), field("Candidates of each slot", top),
    h("button", { type: "submit" }, "Ask")),
  h("p", { class: "soft" }, "Nothing of it is recorded, and it has no deadline. A release that is not live is opened first, which takes some seconds.")), sides);
  if (given.has("prompt")) await play();
}

function side(one, name, other) {
  const { answer } = one;
  const { timings_ms: timings } = answer;
  const infeasible = answer.infeasible;
  return h("section", { class: "side", "aria-label": name },
    h("h2", {}, name),
    figures(figure("Release", answer.release), figure("Served by", answer.served_by, answer.degraded.map((each) => `${each.dependency}: ${each.reason}`).join(", ") || "nothing was missing"),
      figure("Took", ms(timings.total), "without queue and network"),
      figure("Bundles", count(answer.bundles.length), infeasible ? `none: ${infeasible.reason}` : null, answer.bundles.length ? "good" : "bad")),
    card("Time of each stage", null, bars({ title: "milliseconds", rows: STAGES.map((stage) => ({ name: stage, values: [timings[stage] ?? 0] })), say: ms })),
    card("Understood", null, understood(answer.understood, one)),
    card("Bundles", infeasible ? `No bundle: ${infeasible.reason}${infeasible.blocking.length ? `, because of ${infeasible.blocking.join(", ")}` : ""}${infeasible.cheapest_total_cents ? `; the cheapest costs ${money(infeasible.cheapest_total_cents, answer.understood.budget?.currency)}` : ""}.` : null,
      answer.bundles.map((bundle, at) => bundleOf(bundle, at + 1, other))),
    one.slots.map((slot, at) => slotOf(slot, at === 0)),
    Object.keys(one.lost).length ? card("Left out", "Candidates of slots that stayed empty.", h("ul", {}, Object.entries(one.lost).map(([why, many]) => h("li", {}, `${why}: ${count(many)}`)))) : null);
}

function understood(read, one) {
  const { budget, exclude } = read;
  const rows = [
    ["language", read.language],
    ["budget", budget ? `${budget.min_cents ? `${money(budget.min_cents, budget.currency)} to ` : "up to "}${money(budget.max_cents, budget.currency)}${budget.scope === "item" ? " each" : ""}${budget.approximate ? ", about" : ""}` : "none was said"],
    ["slots", read.slots.map((slot) => `${slot.quantity > 1 ? `${slot.quantity} × ` : ""}${slot.name}${slot.required ? "" : " (may stay open)"}`).join(", ")],
    ...["colors", "materials", "styles", "brands", "sizes"].map((name) => [name, read[name].join(", ")]),
    ["without", Object.values(exclude).flat().join(", ")], ["conflicts", read.conflicts.join("; ")], ["gave way", read.relaxed.join(", ")],
    ["searched for", one.searched], ["rules in force", one.rules.join(", ")],
  ];
  return h("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function bundleOf(bundle, place, other) {
  const there = new Set((other?.answer.bundles ?? []).flatMap((one) => one.items.map((item) => item.product_id)));
  const isNew = (item) => other && !there.has(item.product_id);
  return h("article", { class: "bundle" },
    h("h3", {}, `${place}. ${bundle.title}`, h("span", { class: "tag" }, bundle.label)),
    h("p", {}, `${money(bundle.total_cents, bundle.currency)} · score ${precise(bundle.score)}`, bundle.parts ? ` = ${sum(Object.entries(bundle.parts).filter(([, value]) => value))}` : ""),
    h("p", { class: "soft" }, bundle.reasons.join(" · ")),
    h("ul", { class: "items" }, bundle.items.map((item) => h("li", { class: isNew(item) ? "new" : null },
      h("strong", {}, item.slot), ` ${item.title}, ${money(item.price_cents, bundle.currency)}${item.quantity > 1 ? ` × ${item.quantity}` : ""}`,
      isNew(item) && h("span", { class: "tag" }, "only here"), h("br"), h("span", { class: "soft" }, item.reasons.join(" · "))))));
}

function slotOf(slot, isOpen) {
  const rows = slot.best.map((one) => ({ ...one, chosen: one.in_bundles.join(", ") }));
  const name = `${slot.quantity > 1 ? `${slot.quantity} × ` : ""}${slot.name}`;
  return h("details", { class: "card", open: isOpen },
    h("summary", {}, h("h2", {}, name), ` ${count(slot.candidates)} candidates${slot.is_named ? "" : ", suggested by the catalogue or a rule"}`),
    h("p", { class: "soft" }, "The best of them, and those that a bundle took. A score is the sum of its parts."),
    table(`slot_${slot.name}`, `Candidates for ${slot.name}`, [
      { name: "title", title: "Product", kind: "wide", say: (value, row) => h("span", {}, value, h("br"), h("code", {}, row.product_id)) },
      { name: "price_cents", title: "Price", number: true, say: (value, row) => money(value, row.currency) },
      { name: "score", title: "Score", number: true, say: precise }, { name: "chosen", title: "In bundle", say: (value) => value || "–" },
      { name: "parts", title: "Parts", kind: "wide", say: parts }, { name: "wishes_met", title: "Wishes met", say: (value) => value.join(", ") || "–" },
    ], rows, "No candidate."));
}

// "taste 1.2 + words 0.4 − size 2.46"
function sum(entries) {
  const signed = ([name, value], at) => `${value < 0 ? "− " : at ? "+ " : ""}${name} ${precise(Math.abs(value))}`;
  return entries.map(signed).join(" ");
}

function parts(found, row) {
  const largestFirst = (all) => Object.entries(all).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const features = largestFirst(row.features).map(([name, value]) => `${name} ${precise(value)}`);
  return h("span", {}, sum(largestFirst(found).slice(0, LONGEST)) || "–",
    features.length ? h("details", {}, h("summary", {}, `${features.length} features`), features.join(", ")) : null);
}
