// What do shoppers ask for, and what was not understood?

import { read } from "./api.js";
import { card, figure, figures, h } from "./dom.js";
import { count, percent, time } from "./format.js";
import { bars } from "./plot.js";
import { noMarts, objects, summed } from "./reports.js";
import { table } from "./table.js";

export const title = "Search";
export const question = "What do shoppers ask for, and what was not understood?";

export async function open(room, { signal }) {
  const [reports, words] = await Promise.all([read("/v1/operator/reports", { signal }), read("/v1/operator/words", { signal })]);
  if (!reports) {
    room.append(noMarts());
    return;
  }
  const prompts = objects(reports, "prompts");
  const without = objects(reports, "prompts_without_bundle");
  const reasons = summed(without, ["reason"], ["answers"]).sort((a, b) => b.answers - a.answers);
  const answers = prompts.reduce((all, one) => all + one.answers, 0);
  const empty = prompts.reduce((all, one) => all + one.without_answer, 0);
  const tryIt = (value) => h("a", { href: `#/playground?prompt=${encodeURIComponent(value)}` }, value);
  room.append(
    h("p", { class: "soft asof" }, `As of ${time(reports.built_at ?? reports.made_at)}. Sentences are kept 30 days; those of people who were forgotten are gone.`),
    figures(
      figure("Different prompts", count(prompts.length), prompts.length === 200 ? "the 200 most frequent" : "of the last 30 days"),
      figure("Answers to them", count(answers)),
      figure("With nothing to answer", percent(empty, answers), `${count(empty)} answers`, empty ? "" : "good"),
      figure("Words that no product has", count(words.length), words.length ? words.slice(0, 3).map((one) => one.word).join(", ") : "all are known", ""),
    ),
    card("Top prompts", "Open one in the playground to see how it is read.", table("prompts", "Top prompts", [
      { name: "prompt", title: "Prompt", say: tryIt }, { name: "language", title: "Language" },
      { name: "answers", title: "Answers", number: true, say: count }, { name: "without_answer", title: "Without", number: true, say: count },
      { name: "clicks", title: "Clicks", number: true, say: count }, { name: "bundles_bought", title: "Bought", number: true, say: count },
      { name: "last_at", title: "Last asked", say: time, kind: "tight" },
    ], prompts, "Nobody has asked anything with consent yet.")),
    h("div", { class: "two" },
      card("Prompts without a bundle", "Why: nothing was found, the budget is too small, all is sold out, …",
        bars({ title: "answers", rows: reasons.map((one) => ({ name: one.reason || "not said", values: [one.answers] })), say: count }),
        table("without_bundle", "Prompts without a bundle", [
          { name: "prompt", title: "Prompt", say: tryIt }, { name: "reason", title: "Reason" },
          { name: "answers", title: "Answers", number: true, say: count }, { name: "last_at", title: "Last asked", say: time, kind: "tight" },
        ], without, "Every prompt had a bundle.")),
      card("Not understood", "Words of the prompts above that no product of the live catalogue has, in their stem. Sell it, add it to a product's text, or answer it by a template of the rules.",
        table("unknown_words", "Words that no product has", [
          { name: "word", title: "Word" }, { name: "answers", title: "Answers", number: true, say: count },
          { name: "example", title: "Said in", say: tryIt },
        ], words, "All words are known."))),
  );
}
