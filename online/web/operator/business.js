// What do answers bring? The last minutes from the streams, days from the marts.

import { read } from "./api.js";
import { card, field, figure, figures, h, isInUse, notice, select } from "./dom.js";
import { age, count, money, monies_of, percent, precise, time, units } from "./format.js";
import { bars, lines } from "./plot.js";
import { SILENT_S, silence } from "./rates.js";
import { noMarts, objects, summed } from "./reports.js";
import { table } from "./table.js";

export const title = "Business";
export const question = "What do answers bring?";

const WINDOWS = [
  ["1m", "the last 60 seconds"], ["5m", "the last 5 minutes"], ["60m", "the last hour"],
  ["1d", "today"], ["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"],
];
const STEPS = ["served", "shown", "clicked", "carted", "bought"];
const SAID = { served: "served", shown: "shown", clicked: "clicked", carted: "in a cart", bought: "bought" };
let wanted = "5m";

export async function open(room, { signal, failed }) {
  const body = h("div");
  let timer = null;
  const choice = select(WINDOWS, wanted, (value) => {
    wanted = value;
    show().catch(failed);
  }, "Time");
  room.append(h("div", { class: "row" }, field("Time", choice)), body);

  async function show() {
    clearInterval(timer);
    body.replaceChildren(notice("Asking …"));
    if (wanted.endsWith("m")) {
      await minutes(Number(wanted.slice(0, -1)));
      timer = setInterval(() => minutes(Number(wanted.slice(0, -1))).catch(failed), 2_000);
    } else {
      await days(Number(wanted.slice(0, -1)));
    }
  }

  async function minutes(many) {
    // The minute that is under way, and one before it where 60 seconds are wanted.
    const [told, now] = await Promise.all([
      read(`/v1/operator/business?minutes=${Math.max(many, 2)}`, { signal }), read("/v1/operator/live", { signal })]);
    if (wanted.endsWith("m") && !isInUse(body)) body.replaceChildren(...ofMinutes(told, many, silence(now, "live stream")).filter(Boolean));
  }

  async function days(many) {
    const reports = await read("/v1/operator/reports", { signal });
    body.replaceChildren(...(reports ? ofDays(reports, many) : [noMarts()]));
  }

  signal.addEventListener("abort", () => clearInterval(timer));
  await show();
}

function funnel(total, what, label) {
  const rows = STEPS.map((step) => ({ name: SAID[step], values: [total[step]] }));
  return card("From served to bought", what,
    bars({ title: label, rows, say: (value) => `${count(value)}${total.served ? ` (${percent(value, total.served)})` : ""}` }),
    table("funnel", "From served to bought", [
      { name: "step", title: "Step", say: (value) => SAID[value] }, { name: label, title: label, number: true, say: count },
      { name: "share", title: "Of served", number: true, say: (_, row) => percent(row[label], total.served) },
    ], STEPS.map((step) => ({ step, [label]: total[step], share: total.served ? total[step] / total.served : 0 }))));
}

// Zeros of a stream that does not run say nothing about shoppers.
function uncounted(silent) {
  if (silent <= SILENT_S) return null;
  return notice([silent === Infinity ? "Nothing is counted here yet: " : `Nothing has been counted for ${age(silent)}: `,
    h("code", {}, "python -m orchestration.streams"), " counts as long as it runs."], "bad");
}

function ofMinutes(told, many, silent) {
  const { total } = told;
  const labels = told.by_minute.map(([at]) => new Date(at).toLocaleTimeString("en-GB", { timeStyle: "short" }));
  const groups = (found, name) => Object.entries(found).map(([key, one]) => ({ [name]: key, ...one, revenue: monies_of(one.revenue_cents) }))
    .sort((a, b) => b.bought - a.bought || b.served - a.served);
  return [
    uncounted(silent),
    h("p", { class: "soft asof" }, `As of ${time(told.at)}, as the streams count it${many === 1 ? ": this minute and the one before" : ""}. Pieces are credited in the minute of their order.`),
    figures(
      figure("Revenue credited", monies_of(total.revenue_cents), "refunds taken off"),
      figure("Products served", count(total.served), `${percent(total.shown, total.served)} of them shown`),
      figure("Clicked", count(total.clicked), `${percent(total.clicked, total.shown)} of those shown`),
      figure("Bought", count(total.bought), "pieces"),
    ),
    h("div", { class: "two" },
      funnel(total, "Products of answers; several of one bundle count each, and of what was bought every piece that was kept.", "products"),
      card("Minute by minute", "Products shown, clicked and bought.",
        lines({ title: "Products by minute", labels, say: count, series: ["shown", "clicked", "bought"].map((step) =>
          ({ name: SAID[step], values: told.by_minute.map(([, one]) => one[step]) })) }))),
    card("By variant", "Of experiments that ran.", table("live_variants", "By variant", columns("variant", "Variant", (value) => value || "no experiment"), groups(told.by_variant, "variant"))),
    card("By slot", "What the product was answered as.", table("live_slots", "By slot", columns("slot", "Slot", (value) => value || "list of products"), groups(told.by_slot, "slot"))),
  ];
}

function columns(name, heading, say) {
  return [{ name, title: heading, say }, ...STEPS.map((step) => ({ name: step, title: SAID[step], number: true, say: count })), { name: "revenue", title: "Revenue", kind: "tight" }];
}

function ofDays(reports, many) {
  // Report days: those of the marts, today's included.
  const until = new Date(reports.made_at.slice(0, 10));
  const since = new Date(until.getTime() - (many - 1) * 86_400_000).toISOString().slice(0, 10);
  const within = (rows, column) => rows.filter((row) => row[column] >= since);
  const bundles = within(objects(reports, "funnel_daily"), "served_on");
  const [total = Object.fromEntries(STEPS.map((step) => [step, 0]))] = summed(bundles, [], STEPS);
  const revenue = Object.fromEntries(summed(bundles, ["currency"], ["revenue_cents"]).map((one) => [one.currency, one.revenue_cents]));
  const days = summed(bundles, ["served_on"], [...STEPS, "revenue_cents"]);
  const costs = within(objects(reports, "cost_daily"), "served_on");
  const [cost = { answers: 0, us_cents: 0 }] = summed(costs, [], ["answers", "us_cents"]);
  const variants = summed(bundles, ["experiment", "currency"], [...STEPS, "revenue_cents"]).sort((a, b) => b.revenue_cents - a.revenue_cents);
  const slots = summed(within(objects(reports, "slot_daily"), "ordered_on"), ["slot", "currency"], ["lines", "revenue_cents"]).sort((a, b) => b.revenue_cents - a.revenue_cents);
  const categories = summed(within(objects(reports, "category_daily"), "ordered_on"), ["category", "currency"], ["lines", "revenue_cents", "credited_cents"]).sort((a, b) => b.revenue_cents - a.revenue_cents);
  const currencies = [...new Set(bundles.map((one) => one.currency))].sort();
  const said = (value, row) => money(value, row.currency);
  const revenueBars = (rows, name, otherwise) => {
    const currency = rows[0]?.currency;
    const drawn = rows.filter((row) => row.currency === currency).map((row) => ({ name: (row[name] || otherwise).split(" > ").at(-1), values: [row.revenue_cents] }));
    return bars({ title: `revenue in ${currency}`, rows: drawn, say: (value) => money(value, currency) });
  };
  return [
    h("p", { class: "soft asof" }, `As of ${time(reports.built_at ?? reports.made_at)}, when the marts were made; the newest event in them is of ${time(reports.newest_at)}. Days from ${since} on.`),
    figures(
      figure("Revenue credited to bundles", monies_of(revenue), "refunds taken off"),
      figure("Bundles served", count(total.served), `${percent(total.shown, total.served)} of them shown`),
      figure("Clicked", count(total.clicked), `${percent(total.clicked, total.shown)} of those shown`),
      figure("Bought, in part or whole", count(total.bought), `${percent(total.bought, total.shown)} of those shown`),
      figure("Cost of 1,000 answers", cost.answers ? `${precise((1000 * cost.us_cents) / cost.answers)} US cents` : "–", `${count(cost.answers)} answers`),
    ),
    h("div", { class: "two" },
      funnel(total, "Bundles, by the day of the answer; a purchase may follow a week later.", "bundles"),
      card("Revenue by day", "Credited to bundles, by the day of the answer.",
        lines({ title: "Revenue by day", labels: days.map((one) => one.served_on), say: (value) => `${count(value)}${currencies.length === 1 ? ` ${currencies[0]}` : ""}`,
          series: currencies.map((currency) => ({ name: currency, values: days.map((day) => {
            const rows = bundles.filter((one) => one.served_on === day.served_on && one.currency === currency);
            return rows.length ? units(rows.reduce((all, one) => all + one.revenue_cents, 0), currency) : null;
          }) })) }))),
    card("Revenue by variant", "No experiment = none ran when the bundle was answered.",
      revenueBars(variants, "experiment", "no experiment"),
      table("variants", "Revenue by variant", [{ name: "experiment", title: "Variant", say: (value) => value || "no experiment" },
        ...STEPS.map((step) => ({ name: step, title: SAID[step], number: true, say: count })),
        { name: "revenue_cents", title: "Revenue", number: true, say: said }, { name: "currency", title: "Currency" }], variants)),
    h("div", { class: "two" },
      card("Revenue by slot", "Lines credited to a bundle, by the slot that the product filled.", revenueBars(slots, "slot", "none"),
        table("slots", "Revenue by slot", [{ name: "slot", title: "Slot" }, { name: "lines", title: "Lines", number: true, say: count },
          { name: "revenue_cents", title: "Revenue", number: true, say: said }, { name: "currency", title: "Currency" }], slots)),
      card("Revenue by category", "All that was sold, and what of it is credited to answers.", revenueBars(categories, "category", "none"),
        table("categories", "Revenue by category", [{ name: "category", title: "Category" }, { name: "lines", title: "Lines", number: true, say: count },
          { name: "revenue_cents", title: "Revenue", number: true, say: said }, { name: "credited_cents", title: "Credited", number: true, say: said },
          { name: "currency", title: "Currency" }], categories))),
    card("Cost by day", "Time in which answers were made, at the price of a core, in US cents per 1,000 answers.",
      lines({ title: "Cost by day", labels: costs.map((one) => one.served_on), say: (value) => `${precise(value)} ct`,
        series: [{ name: "per 1,000 answers", values: costs.map((one) => one.answers ? (1000 * one.us_cents) / one.answers : null) }] }),
      table("cost", "Cost by day", [{ name: "served_on", title: "Day" }, { name: "answers", title: "Answers", number: true, say: count },
        { name: "us_cents", title: "US cents", number: true, say: precise }], costs)),
  ];
}
