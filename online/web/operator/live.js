// How is the service right now? Figures of all its processes, once a second.

import { ask, read } from "./api.js";
import { card, field, figure, figures, h, isInUse, notice } from "./dom.js";
import { age, bytes, clock, count, ms, percent, precise } from "./format.js";
import { bars, lines } from "./plot.js";
import { SILENT_S, STAGES, between, quantile, silence, sum } from "./rates.js";
import { table } from "./table.js";

export const title = "Live";
export const question = "How is the service right now?";

const EVERY_MS = 1_000;
const KEPT = 121;
const OVER = 10;

export async function open(room, { signal, failed }) {
  const demo = h("div");
  const body = h("div", {}, notice("Asking …"));
  room.append(demo, body);
  const past = [];

  async function look() {
    const now = await read("/v1/operator/live", { signal });
    if (past.length && past.at(-1).release !== now.release) past.length = 0;
    past.push(now);
    if (past.length > KEPT) past.shift();
    if (!isInUse(body)) body.replaceChildren(...drawn(past));
    room.querySelectorAll(":scope > .notice.bad").forEach((old) => old.remove());
  }

  await look();
  await demoSwitch(demo, signal, failed);
  const timer = setInterval(() => look().catch(failed), EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

function drawn(past) {
  const now = past.at(-1);
  const then = past[Math.max(past.length - 1 - OVER, 0)];
  const recent = past.length > 1 ? between(now, then) : null;
  const points = past.slice(1).map((one, at) => between(one, past[Math.max(at + 1 - 5, 0)]));
  const labels = past.slice(1).map((one) => clock(one.at));
  const down = [...new Set([...now.degraded_now, ...Object.keys(now.dependencies).filter((name) => !now.dependencies[name])])];
  const { gauges } = now;
  return [
    figures(
      figure("Answers a second", recent ? precise(recent.rate) : "…", `the last ${Math.round(recent?.seconds ?? 0)} s`),
      figure("Half of them within", ms(recent?.p50), `99 % within ${ms(recent?.p99)}`),
      figure("Errors", recent ? count(recent.wrong) : "…", "status 500 and above", recent?.wrong ? "bad" : "good"),
      figure("Goes without", down.length ? down.join(", ") : "nothing",
        down.length ? "answers go on without it" : `${Object.keys(now.dependencies).length} dependencies are there`, down.length ? "bad" : "good"),
      figure("Broken promises", count(gauges.broken_promises), "since the start; never expected", gauges.broken_promises ? "bad" : "good"),
      figure("Waiting for the log", count(gauges.spooled_records), "records in the spool", gauges.spooled_records ? "bad" : "good"),
    ),
    h("div", { class: "two" },
      card("Answers a second", "Bundles, products and searches that were answered; each point over five seconds.",
        lines({ title: "Answers a second", labels, say: (value) => `${precise(value)}/s`, series: [{ name: "answers", values: points.map((one) => one.rate) }] })),
      card("Time until an answer", "By the buckets of the metrics; each point over five seconds.",
        lines({ title: "Time until an answer", labels, say: ms, series: [
          { name: "50 %", values: points.map((one) => one.p50) }, { name: "99 %", values: points.map((one) => one.p99) }] }))),
    h("div", { class: "two" },
      card("Stages", `Of answers of the last ${Math.round(recent?.seconds ?? 0)} seconds; what was kept from before took no stage.`, stages(recent)),
      card("Rungs", "What served the answers of the last seconds: full is all of it.", rungs(recent), degraded(recent))),
    h("div", { class: "two" },
      card("Caches", "Look-ups of the last seconds.", caches(recent)),
      card("Readers of the log", "Records that each has not worked on yet.", consumers(now))),
    card("Release", null, figures(
      figure("Live", now.release, `${count(now.products)} products, ${age(gauges.index_age_s)} old`),
      figure("Kept beside it", count(Math.max(now.kept.length - 1, 0)), now.kept.filter((one) => one !== now.release).join(", ") || "none"),
      figure("Newest features", age(gauges.feature_age_s), "of shoppers that were read"),
      figure("Memory", bytes(gauges.resident_bytes ?? 0), "of the serving processes"),
      figure("CPU so far", `${count(gauges.cpu_s)} s`, `${precise(gauges.cost_dollars)} dollars`),
    )),
  ];
}

function stages(recent) {
  const rows = recent ? STAGES.filter((stage) => recent.stages[stage].count).map((stage) => ({
    stage, answers: recent.stages[stage].count, p50_ms: quantile(recent.stages[stage], 0.5), p99_ms: quantile(recent.stages[stage], 0.99),
  })) : [];
  return table("stages", "Time of each stage", [
    { name: "stage", title: "Stage" }, { name: "answers", title: "Answers", number: true, say: count },
    { name: "p50_ms", title: "50 %", number: true, say: ms }, { name: "p99_ms", title: "99 %", number: true, say: ms },
  ], rows, "No answer in the last seconds.");
}

function rungs(recent) {
  const rows = (recent?.rungs ?? []).filter((one) => one.count).map((one) => ({ name: one.labels.served_by, values: [one.count] }));
  return bars({ title: "answers", rows: rows.sort((a, b) => b.values[0] - a.values[0]), say: count });
}

function degraded(recent) {
  const rows = (recent?.degraded ?? []).filter((one) => one.count);
  return rows.length ? h("ul", {}, rows.map((one) => h("li", {}, `${one.labels.dependency}: ${one.labels.reason}, ${count(one.count)} answers`))) : null;
}

function caches(recent) {
  const names = [...new Set((recent?.caches ?? []).map((one) => one.labels.cache))].sort();
  const rows = names.map((name) => {
    const all = recent.caches.filter((one) => one.labels.cache === name);
    const hits = sum(all.filter((one) => ["hit", "waited", "shared"].includes(one.labels.result)).map((one) => one.count));
    const asked = sum(all.map((one) => one.count));
    return { cache: name, asked, hits, share: asked ? hits / asked : 0 };
  });
  return table("caches", "Hits of each cache", [
    { name: "cache", title: "Cache" }, { name: "asked", title: "Look-ups", number: true, say: count },
    { name: "hits", title: "Hits", number: true, say: count },
    { name: "share", title: "Share", number: true, say: (_, row) => percent(row.hits, row.asked) },
  ], rows.filter((row) => row.asked), "No look-up in the last seconds.");
}

function consumers(now) {
  const rows = now.consumers.map((one) => {
    const silent = silence(now, one.name);
    const behind = one.behind ? sum(Object.values(one.behind)) : null;
    return { reader: one.name, behind, state: silent > SILENT_S ? `silent for ${age(silent)}` : "reads" };
  });
  return table("consumers", "Readers of the log", [
    { name: "reader", title: "Reader" }, { name: "behind", title: "Records behind", number: true, say: count }, { name: "state", title: "State" },
  ], rows, "No loader and no stream has run with this data folder: python -m orchestration.loader, python -m orchestration.streams.");
}

// The demo's shoppers; nothing of it is shown where none run.
async function demoSwitch(place, signal, failed) {
  const words = h("p", { class: "soft", role: "status" });
  const pace = h("input", { type: "range", min: 6, max: 300, step: 6, name: "pace" });
  const said = h("output", {});
  const pause = h("button", { type: "button" });
  const box = card("The demo's shoppers", "They use the shop through its public API: ask, look, buy, send back, and buy things out.",
    h("div", { class: "row" }, pause, field("Pace", pace), said), words);
  let state = null;

  async function set(change) {
    state = await read("/v1/operator/demo", { method: "PUT", body: { ...state.switch, ...change } });
    show();
  }

  function show() {
    const { per_minute: perMinute, is_paused: isPaused } = state.switch;
    pause.textContent = isPaused ? "Let them go on" : "Pause";
    pace.value = perMinute;
    said.textContent = `${perMinute} visits a minute`;
    const played = state.played;
    words.textContent = played ? played.problem || `${count(played.visits)} visits, ${count(played.orders)} orders, ${count(played.sold_out)} products bought out; the last wish: ${played.last_prompt || "none yet"}` : "";
    if (played && !box.isConnected) place.append(box);
    if (!played) box.remove();
  }

  pause.addEventListener("click", () => set({ is_paused: !state.switch.is_paused }).catch(failed));
  pace.addEventListener("change", () => set({ per_minute: Number(pace.value) }).catch(failed));
  pace.addEventListener("input", () => { said.textContent = `${pace.value} visits a minute`; });

  async function look() {
    if (document.activeElement === pace) return;
    state = (await ask("/v1/operator/demo", { signal })).told;
    show();
  }

  await look();
  const timer = setInterval(() => look().catch(failed), 3_000);
  signal.addEventListener("abort", () => clearInterval(timer));
}
