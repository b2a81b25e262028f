// What is known of one shopper, why do they see what they see, and how are they forgotten?

import { read } from "./api.js";
import { card, field, figure, figures, h, notice } from "./dom.js";
import { count, time } from "./format.js";
import { table } from "./table.js";

export const title = "Users";
export const question = "What is known of one shopper?";

export async function open(room, { signal, failed }) {
  const input = h("input", { name: "user", required: true, maxlength: 64, autocomplete: "off" });
  const body = h("div");
  room.append(h("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    show(input.value.trim()).catch(failed);
  } }, field("User id", input, "as the shop sends it, such as u-1"), h("button", { type: "submit" }, "Look")), body);

  async function show(user) {
    const known = await read(`/v1/users/${encodeURIComponent(user)}`, { signal });
    const { shopper_profiles: profile, shopper_sessions: session, bundles } = known.stores;
    body.replaceChildren(
      figures(figure("Profile", profile ? "known" : "none", profile ? `${count(profile.orders_365d)} orders in a year` : "never bought, or forgotten"),
        figure("Last hours", session ? "known" : "nothing", "looked at, carted, bought"),
        figure("Bundles that can be swapped", count(bundles.length)),
        figure("In the tables", h("code", {}, known.known_as.user), "the pseudonym")),
      why(user),
      h("div", { class: "two" }, card("Profile", "From past orders; answers read it.", facts(profile)), card("Lately", "The last 24 hours.", facts(session))),
      card("Requests that are kept", "As long as their bundles can be swapped.", table("requests", "Requests of the shopper", [
        { name: "bundle_id", title: "Bundle" }, { name: "prompt", title: "Prompt" },
      ], bundles.map((one) => ({ bundle_id: one.bundle_id, prompt: one.request.prompt ?? "" })), "None.")),
      forget(user));
  }

  function why(user) {
    const prompt = h("input", { name: "prompt", required: true, maxlength: 512, value: "a cosy living room" });
    return card("Why do they see this?", "Asks as this shopper and as nobody, side by side: what differs is what is known of them.",
      h("form", { class: "row", onsubmit: (event) => {
        event.preventDefault();
        location.hash = `#/playground?prompt=${encodeURIComponent(prompt.value)}&user=${encodeURIComponent(user)}&beside=nobody`;
      } }, field("Prompt", prompt), h("button", { type: "submit" }, "Show why")));
  }

  function forget(user) {
    const again = h("input", { name: "again", autocomplete: "off", maxlength: 64 });
    const button = h("button", { type: "submit", class: "danger", disabled: true }, "Forget everywhere");
    const place = h("div", { "aria-live": "polite" });
    again.addEventListener("input", () => { button.disabled = again.value.trim() !== user; });
    return card("Forget this shopper", "Profile, sessions, kept requests, the log and the tables. It cannot be undone.",
      h("form", { class: "row", onsubmit: (event) => {
        event.preventDefault();
        button.disabled = true;
        read(`/v1/users/${encodeURIComponent(user)}`, { method: "DELETE" }).then((receipt) => {
          again.value = "";
          place.replaceChildren(...receiptOf(receipt, place));
        }).catch((error) => place.replaceChildren(notice(error.message, "bad")));
      } }, field("Type the id again", again), button), place);
  }

  function receiptOf(receipt, place) {
    const rows = Object.entries(receipt.stores).map(([store, one]) => ({ store, state: one.state, at: one.at ?? null, removed: one.removed ?? null }));
    return [
      notice(`Forgotten. Receipt ${receipt.receipt_id}.`),
      table("receipt", "Receipt, store by store", [{ name: "store", title: "Store" }, { name: "state", title: "State" },
        { name: "at", title: "At", say: time, kind: "tight" }, { name: "removed", title: "Removed", number: true, say: count }], rows),
      h("button", { type: "button", class: "quiet", onclick: () => read(`/v1/erasures/${receipt.receipt_id}`, { signal })
        .then((newer) => place.replaceChildren(...receiptOf(newer, place))).catch(failed) }, "Look again"),
    ];
  }
}

function facts(row) {
  if (!row) return h("p", { class: "empty" }, "Nothing is kept.");
  const plain = (value) => typeof value === "number" ? Math.round(value * 1000) / 1000 : String(value);
  const said = (value) => Array.isArray(value) ? value.slice(0, 12).map(plain).join(", ") : plain(value);
  return h("dl", { class: "facts" }, Object.entries(row).filter(([, value]) => value !== null && value?.length !== 0)
    .map(([name, value]) => name.endsWith("_at_s") ? [name.slice(0, -2), time(value * 1000)] : [name, said(value)])
    .map(([name, value]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, value)]));
}
