// What is wrong with the catalogue?

import { read } from "./api.js";
import { card, field, figure, figures, h, select } from "./dom.js";
import { count, money, percent, time } from "./format.js";
import { bars, lines } from "./plot.js";
import { objects } from "./reports.js";
import { table } from "./table.js";

export const title = "Catalogue";
export const question = "What is wrong with the catalogue?";

const DAYS = [["1", "1 day"], ["3", "3 days"], ["7", "7 days"], ["30", "30 days"], ["90", "90 days"]];
let staleDays = "7";

export async function open(room, { signal, failed }) {
  const body = h("div");
  const choice = select(DAYS, staleDays, (value) => {
    staleDays = value;
    show().catch(failed);
  }, "Stale after");
  room.append(h("div", { class: "row" }, field("A price is stale after", choice)), body);

  async function show() {
    const health = await read(`/v1/operator/catalogue?stale_days=${staleDays}`, { signal });
    const reports = await read("/v1/operator/reports", { signal });
    body.replaceChildren(...drawn(health, reports ? objects(reports, "coverage") : []));
  }

  await show();
}

function drawn(health, coverage) {
  const { refused } = health;
  const reasons = Object.entries(refused?.by_reason ?? {});
  const last = coverage.at(-1);
  return [
    figures(
      figure("Products", count(health.products), `release ${health.release}`),
      figure("Can be sold now", percent(health.sellable, health.products), `${count(health.products - health.sellable)} cannot`),
      figure("Changed since the feed", count(health.changed), "price, stock or availability"),
      figure("Without a picture", count(health.without_picture), null, health.without_picture ? "bad" : "good"),
      figure("Rows not taken", refused ? count(refused.count) : "–", refused ? `of the feed read ${time(refused.read_at)}` : "no build has read a feed here", refused?.count ? "bad" : "good"),
      figure("Stale prices", count(health.stale_count), `nothing was said for ${health.stale_days} days`, health.stale_count ? "bad" : "good"),
    ),
    card("Rows of the feed that were not taken", "Or were replaced by a later row of the same id. Each with what to do about it.",
      reasons.length ? bars({ title: "rows", rows: reasons.map(([name, value]) => ({ name, values: [value] })), say: count }) : null,
      table("refused_rows", "Rows not taken", [
        { name: "row", title: "Row", number: true }, { name: "id", title: "Product" }, { name: "field", title: "Field" },
        { name: "value", title: "Value" }, { name: "reason", title: "Reason" }, { name: "remedy", title: "Remedy" },
      ], refused?.rows ?? [], refused ? "Every row was taken." : "No build has read a feed in this data folder yet.")),
    card("How much of the catalogue is answered", last ? `${count(last.products_served)} of ${count(last.products_in_feed)} products stood in an answer on ${last.served_on}.` : "After the first run of the marts.",
      lines({ title: "Share of the feed", labels: coverage.map((one) => one.served_on), say: (value) => percent(value, 1), series: [{ name: "share of the feed", values: coverage.map((one) => one.feed_share) }] }),
      table("coverage", "Coverage by day", [{ name: "served_on", title: "Day" }, { name: "products_served", title: "Answered", number: true, say: count },
        { name: "products_in_feed", title: "In the feed", number: true, say: count }, { name: "feed_share", title: "Share", number: true, say: (value) => percent(value ?? 0, 1) }], coverage)),
    card("Stale prices", "Neither a feed nor a change has said anything of these for so long.",
      table("stale_prices", "Stale prices", [{ name: "product_id", title: "Product" }, { name: "title", title: "Title" },
        { name: "price_cents", title: "Price", number: true, say: (value, row) => money(value, row.currency) },
        { name: "currency", title: "Currency" }, { name: "said_at", title: "Last said", say: (value) => value ? time(value) : "not known" }],
      health.stale, "All prices are fresh.")),
  ];
}
