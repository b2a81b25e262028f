// Which variant is better, and is it safe to say so?

import { read } from "./api.js";
import { card, figure, figures, h, notice } from "./dom.js";
import { count, money, monies_of, percent, precise, time } from "./format.js";
import { bars } from "./plot.js";
import { table } from "./table.js";

export const title = "Experiments";
export const question = "Which variant is better, and is it safe to say so?";

// As the results say it: below this no verdict is given.
const SRM = 0.01;

export async function open(room, { signal }) {
  const found = await read("/v1/operator/experiments", { signal });
  if (!found) {
    room.append(notice(["No results of experiments were written yet: ", h("code", {}, "make experiments"), " writes them, and where Dagster runs they follow the marts."]));
    return;
  }
  const all = found.experiments ?? [];
  room.append(h("p", { class: "soft asof" }, `As of ${time(found.made_at)}.`),
    ...(all.length ? all.map(drawn) : [notice("No experiment has an answer yet.")]));
}

// A metric of money names its currency; its values are minor units.
const valueOf = (value, { metric }) => {
  const currency = /\(([A-Z]{3})\)$/.exec(metric)?.[1];
  return currency ? money(value, currency) : precise(value);
};

const change = (value) => value === null || value === undefined ? "–" : `${value > 0 ? "+" : ""}${percent(value, 1)}`;

function drawn(one) {
  const variants = one.variants ?? [];
  const metrics = one.metrics ?? [];
  const units = variants.reduce((total, variant) => total + variant.units, 0);
  const leftOut = Object.entries(one.left_out ?? {}).filter(([, number]) => number);
  const isUneven = typeof one.srm_p === "number" && one.srm_p < SRM;
  return card(one.flag, one.words,
    isUneven && notice(`The variants got uneven shares of shoppers (p = ${precise(one.srm_p)}): believe none of these figures before that is found.`, "bad"),
    figures(figure("Days", count(one.days)), figure("Shoppers", count(units), `of ${count(one.planned_units)} that are planned`),
      figure("Even shares", one.srm_p === null || one.srm_p === undefined ? "–" : `p = ${precise(one.srm_p)}`, null, isUneven ? "bad" : "good")),
    bars({ title: "conversion", rows: variants.map((variant) => ({ name: variant.name, values: [variant.conversion ?? 0] })), say: (value) => percent(value, 1) }),
    table(`${one.flag}_variants`, `Variants of ${one.flag}`, [
      { name: "name", title: "Variant" }, { name: "units", title: "Shoppers", number: true, say: count },
      { name: "conversion", title: "Conversion", number: true, say: (value) => percent(value ?? 0, 1) },
      { name: "revenue_per_unit", title: "Revenue per shopper", number: true, say: (value) => monies_of(value ?? {}) },
    ], variants),
    table(`${one.flag}_metrics`, `Metrics of ${one.flag}`, [
      { name: "metric", title: "Metric" }, { name: "control", title: "Control", number: true, say: valueOf }, { name: "treatment", title: "Treatment", number: true, say: valueOf },
      { name: "relative", title: "Change", number: true, say: change }, { name: "low", title: "At least", number: true, say: change },
      { name: "high", title: "At most", number: true, say: change }, { name: "verdict", title: "Verdict" },
    ], metrics),
    (one.segments ?? []).length > 0 && table(`${one.flag}_segments`, `Parts of the shoppers of ${one.flag}, by the metric that decides`, [
      { name: "segment", title: "Part" }, { name: "variant", title: "Variant" }, { name: "units", title: "Shoppers", number: true, say: count },
      { name: "relative", title: "Change", number: true, say: change }, { name: "low", title: "At least", number: true, say: change },
      { name: "high", title: "At most", number: true, say: change }, { name: "p", title: "p, corrected", number: true, say: precise }, { name: "verdict", title: "Verdict" },
    ], one.segments),
    leftOut.length > 0 && h("p", { class: "soft" }, `Left out: ${leftOut.map(([why, number]) => `${count(number)} ${why}`).join(", ")}.`));
}
