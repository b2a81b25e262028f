// Which rules hold, and what would other ones change? Tried before they are published.

import { ask, read } from "./api.js";
import { card, field, h, notice, select } from "./dom.js";
import { money, time } from "./format.js";
import { table } from "./table.js";

export const title = "Rules";
export const question = "Which merchandising rules hold, and what would others change?";

const KINDS = {
  pin: "Pin: these products come first wherever they fit", boost: "Boost: adds to the score", bury: "Bury: takes from the score",
  hide: "Hide: never answered", never_together: "Never together: no bundle holds two of these", always_with: "Always with: brings the product in value along",
  min_margin: "Least margin: below value is not answered", max_per_brand: "At most so many of one brand in a bundle",
};
const LISTS = ["products", "categories", "brands"];
const many = (all, name) => `${all.length} ${name}${all.length === 1 ? "" : "s"}`;
const split = (text) => text.split(/[,\n]/).map((one) => one.trim()).filter(Boolean);

export async function open(room, { signal, failed }) {
  let version = 0;
  let rules = { rules: [], templates: [] };
  let isJson = false;
  const editor = h("div");
  const outcome = h("div", { "aria-live": "polite" });
  const history = h("div");
  const prompt = h("input", { name: "prompt", maxlength: 512, value: "a cosy living room" });
  const json = h("textarea", { name: "json", rows: 22, spellcheck: "false" });
  const toggle = h("button", { type: "button", class: "quiet", onclick: () => switchView() });

  async function load() {
    const found = await ask("/v1/rules", { signal });
    version = found.told.version;
    rules = { rules: found.told.rules ?? [], templates: found.told.templates ?? [] };
    json.value = JSON.stringify(rules, null, 2);
    draw();
    const past = await read("/v1/rules/history?limit=20", { signal });
    history.replaceChildren(table("rules_history", "Versions", [{ name: "version", title: "Version", number: true },
      { name: "put_at", title: "Published", say: time, kind: "tight" }, { name: "put_by", title: "By" },
      { title: "Bring back", say: (_, row) => row.version === version ? "in force" : h("button", { type: "button", class: "quiet", "aria-label": `Open version ${row.version}`,
        onclick: () => openVersion(row.version).catch(failed) }, "Open") }], past, "Nothing was ever published."));
  }

  // An earlier document comes into the editor, to be tried and published as the next version.
  async function openVersion(number) {
    const found = await read(`/v1/rules?version=${number}`, { signal });
    rules = { rules: found.rules ?? [], templates: found.templates ?? [] };
    json.value = JSON.stringify(rules, null, 2);
    draw();
    outcome.replaceChildren(notice(`Version ${number} is in the editor. Version ${version} stays in force until you publish.`));
    scrollTo({ top: 0 });
  }

  // What the editor says now. Throws SyntaxError where the JSON is none.
  function current() {
    return isJson ? JSON.parse(json.value) : rules;
  }

  function switchView() {
    try {
      const said = current();
      rules = { rules: said.rules ?? [], templates: said.templates ?? [] };
      json.value = JSON.stringify(rules, null, 2);
      isJson = !isJson;
      draw();
    } catch (error) {
      refused(error);
    }
  }

  function refused(error) {
    const where = (one) => [one.field, one.rule, one.reason, one.remedy].filter(Boolean).join(": ");
    const text = error instanceof SyntaxError ? `This is no JSON: ${error.message}` : error.message;
    outcome.replaceChildren(h("div", {}, notice(text, "bad"),
      error.errors?.length ? h("ul", {}, error.errors.map((one) => h("li", {}, where(one)))) : null,
      error.status === 412 ? h("div", { class: "row" },
        h("button", { type: "button", onclick: () => rebase().catch(failed) }, "Keep my rules, and replace theirs"),
        h("button", { type: "button", class: "quiet", onclick: () => { outcome.replaceChildren(); load().catch(failed); } }, "Drop mine, and load theirs")) : null));
  }

  // Somebody else was first: what they published is shown, and mine goes over it only now that I have seen that.
  async function rebase() {
    version = (await ask("/v1/rules", { signal })).told.version;
    outcome.replaceChildren(notice(`The rules in force are at version ${version}; publish replaces exactly these.`));
    draw();
  }

  async function preview() {
    try {
      const told = await read(`/v1/rules?preview=${encodeURIComponent(prompt.value || "a sofa")}`, { method: "PUT", body: current(), signal });
      outcome.replaceChildren(warnings(told.warnings), h("div", { class: "two" }, side("Before", told.before), side("After", told.after, told.before)));
    } catch (error) {
      refused(error);
    }
  }

  async function publish() {
    try {
      const { told } = await ask("/v1/rules", { method: "PUT", body: current(), headers: { "if-match": `"${version}"` } });
      await load();
      outcome.replaceChildren(notice(`Version ${told.version} is in force.`), warnings(told.warnings));
    } catch (error) {
      refused(error);
    }
  }

  function warnings(all) {
    return all?.length ? h("ul", { class: "notice" }, all.map((one) => h("li", {}, `${one.field}: ${one.reason}; ${one.remedy}`))) : "";
  }

  function draw() {
    toggle.textContent = isJson ? "Edit in a form" : "Edit as JSON";
    editor.replaceChildren(
      h("p", { class: "soft" }, `Version ${version}. ${many(rules.rules, "rule")} and ${many(rules.templates, "template")}; templates are edited as JSON.`),
      isJson ? field("The whole document", json) : h("ol", { class: "rules" }, rules.rules.map((rule, at) => ruleForm(rule, at)),
        h("li", { class: "add" }, h("button", { type: "button", class: "quiet", onclick: () => add() }, "Add a rule"))));
  }

  function add() {
    const used = new Set(rules.rules.map((rule) => rule.id));
    let number = rules.rules.length + 1;
    while (used.has(`rule-${number}`)) number += 1;
    rules.rules.push({ id: `rule-${number}`, kind: "boost", categories: [] });
    draw();
    editor.querySelector("ol.rules > li:nth-last-child(2) input").focus();
  }

  function ruleForm(rule, at) {
    const words = h("input", { value: (rule.when?.prompt_words ?? []).join(", "), onchange: () => {
      const { prompt_words: _, ...kept } = rule.when ?? {};
      const said = split(words.value);
      const when = said.length ? { ...kept, prompt_words: said } : kept;
      if (Object.keys(when).length) rule.when = when;
      else delete rule.when;
    } });
    const id = h("input", { value: rule.id, required: true, maxlength: 64, onchange: () => { rule.id = id.value.trim(); } });
    const value = h("input", { value: rule.value ?? "", onchange: () => {
      const text = value.value.trim();
      if (text === "") delete rule.value;
      else rule.value = rule.kind !== "always_with" && !Number.isNaN(Number(text)) ? Number(text) : text;
    } });
    const list = (name) => {
      const made = h("input", { value: (rule[name] ?? []).join(", "), onchange: () => {
        const said = split(made.value);
        if (said.length) rule[name] = said;
        else delete rule[name];
      } });
      return field(name, made);
    };
    return h("li", { class: "rule" },
      field("id", id), field("kind", select(Object.entries(KINDS), rule.kind, (kind) => { rule.kind = kind; }, `Kind of ${rule.id}`)),
      LISTS.map(list), field("value", value), field("only where the prompt says", words),
      rule.when?.starts_at || rule.when?.ends_at || rule.when?.categories ? h("p", { class: "soft" }, "It has more conditions; see the JSON.") : null,
      h("button", { type: "button", class: "quiet", "aria-label": `Remove ${rule.id}`, onclick: () => {
        rules.rules.splice(at, 1);
        draw();
      } }, "Remove"));
  }

  room.append(
    card("Rules", null, editor, h("div", { class: "row" }, toggle)),
    h("form", { class: "card", onsubmit: (event) => {
      event.preventDefault();
      preview();
    } }, h("h2", {}, "Try, then publish"), h("div", { class: "row wide" }, field("Prompt", prompt)), h("div", { class: "row" }, h("button", { type: "submit" }, "Preview"),
      h("button", { type: "button", class: "danger", onclick: () => publish() }, "Publish")), outcome),
    card("History", "Who published which version.", history));
  await load();
}

function side(name, answer, other) {
  const there = new Set((other?.bundles ?? []).flatMap((bundle) => bundle.items.map((item) => item.product_id)));
  return h("section", { class: "side", "aria-label": name }, h("h3", {}, name),
    answer.bundles.length ? answer.bundles.map((bundle) => h("article", { class: "bundle" },
      h("p", {}, h("strong", {}, bundle.label), ` ${money(bundle.total_cents, bundle.currency)}`),
      h("ul", { class: "items" }, bundle.items.map((item) => h("li", { class: other && !there.has(item.product_id) ? "new" : null },
        `${item.slot}: ${item.title}, ${money(item.price_cents, bundle.currency)}`, other && !there.has(item.product_id) && h("span", { class: "tag" }, "new")))))) :
      h("p", { class: "empty" }, `No bundle: ${answer.infeasible?.reason ?? ""}`));
}
