// What happened between two readings of the service's sums?

const ANSWERS = ["/v1/bundles", "/v1/products", "/v1/search"];
export const STAGES = ["understand", "encode", "retrieve", "hydrate", "rank", "assemble", "total"];

// A reader of the log writes every two seconds.
export const SILENT_S = 15;

// Seconds since that reader last wrote that it reads; Infinity where it never ran here.
export function silence(now, reader) {
  const found = now.consumers.find((one) => one.name === reader);
  return found ? (new Date(now.at) - new Date(found.at)) / 1000 : Infinity;
}

export const sum = (all) => all.reduce((total, one) => total + one, 0);
const named = (labels) => JSON.stringify(labels);

// What a counter grew by; a process that started anew begins at 0.
function grown(now, then) {
  const before = new Map((then ?? []).map((one) => [named(one.labels), one.count]));
  return now.map((one) => {
    const known = before.get(named(one.labels)) ?? 0;
    return { labels: one.labels, count: one.count >= known ? one.count - known : one.count };
  });
}

function spread(now, then, wanted) {
  const before = new Map((then ?? []).map((one) => [named(one.labels), one.counts]));
  let le = [];
  let counts = [];
  for (const one of now.filter((each) => wanted(each.labels))) {
    const known = before.get(named(one.labels));
    const more = one.counts.map((value, at) => Math.max(value - (known ? known[at] : 0), 0));
    counts = counts.length ? counts.map((value, at) => value + more[at]) : more;
    le = one.le_ms;
  }
  return { le, counts, count: counts.at(-1) ?? 0 };
}

// Within its bucket a time is taken to lie in proportion; null where nothing was counted.
export function quantile({ le, counts, count: all }, part) {
  if (!all) return null;
  const wanted = part * all;
  const at = counts.findIndex((value) => value >= wanted);
  const low = at > 0 ? le[at - 1] : 0;
  if (le[at] === null) return low;
  const below = at > 0 ? counts[at - 1] : 0;
  return low + (le[at] - low) * ((wanted - below) / Math.max(counts[at] - below, 1));
}

export function between(now, then) {
  const seconds = Math.max((new Date(now.at) - new Date(then.at)) / 1000, 0.001);
  const all = spread(now.requests, then.requests, ({ route, status }) => ANSWERS.includes(route) && status === "200");
  const wrong = spread(now.requests, then.requests, ({ status }) => Number(status) >= 500);
  const stages = Object.fromEntries(STAGES.map((stage) =>
    [stage, spread(now.stages, then.stages, (labels) => labels.stage === stage)]));
  return {
    seconds, rate: all.count / seconds, answers: all.count, wrong: wrong.count,
    p50: quantile(all, 0.5), p99: quantile(all, 0.99), stages,
    rungs: grown(now.answers, then.answers), caches: grown(now.caches, then.caches),
    degraded: grown(now.degraded, then.degraded),
  };
}
