// How do figures become a picture? Lines over time and bars, with axes, units, a legend, and the value under the pointer.

import { h, svg } from "./dom.js";

const HEIGHT = 240, RIGHT = 36, TOP = 14, BOTTOM = 30;
const MAX_BARS = 12;

// Drawn for the room that there is: on a phone the same text is as large, and less of it fits.
function isNarrow() {
  return matchMedia("(max-width: 40rem)").matches;
}

function steps(most, isWhole, wanted = 4) {
  const rough = most / wanted;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = isWhole && rough < 5 ? Math.ceil(rough) : [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((one) => one >= rough * 0.999);
  const found = [];
  for (let at = 0; at <= most + step * 0.999; at += step) found.push(at);
  return found;
}

function legend(series) {
  if (series.length < 2) return null;
  return h("ul", { class: "legend" }, series.map((one, at) =>
    h("li", {}, svg("svg", { viewBox: "0 0 16 10", width: 16, height: 10, "aria-hidden": "true" },
      svg("line", { x1: 0, y1: 5, x2: 16, y2: 5, class: `line series-${at % 6}` })), one.name)));
}

// series: [{name, values: [number or null]}], one value for each of `labels`; say: number -> text with its unit.
export function lines({ title, labels, series, say }) {
  const shown = series.filter((one) => one.values.some((value) => value !== null));
  if (!labels.length || !shown.length) return h("p", { class: "empty" }, "Nothing to draw yet.");
  const most = Math.max(...shown.flatMap((one) => one.values.filter((value) => value !== null)), 0);
  const ticks = steps(most || 1, shown.every((one) => one.values.every((value) => Number.isInteger(value ?? 0))));
  const top = ticks.at(-1);
  const width = isNarrow() ? 380 : 720;
  const left = 18 + 6.4 * Math.max(...ticks.map((tick) => say(tick).length), 4);
  const inner = width - left - RIGHT;
  const x = (at) => left + (labels.length === 1 ? inner / 2 : (at / (labels.length - 1)) * inner);
  const y = (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const every = Math.max(Math.ceil(labels.length / (isNarrow() ? 3 : 6)), 1);
  const last = shown.map((one) => `${one.name}: ${say(one.values.findLast((value) => value !== null))}`).join(", ");
  const picture = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "plot", role: "img", "aria-label": `${title}; last ${last}` });
  for (const tick of ticks) {
    picture.append(svg("line", { x1: left, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: "grid" }),
      svg("text", { x: left - 8, y: y(tick) + 4, class: "tick end" }, say(tick)));
  }
  labels.forEach((label, at) => {
    if (at % every === 0) picture.append(svg("text", { x: x(at), y: HEIGHT - 8, class: "tick middle" }, label));
  });
  shown.forEach((one, number) => {
    let path = "";
    let isOpen = false;
    one.values.forEach((value, at) => {
      if (value === null) isOpen = false;
      else {
        path += `${isOpen ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
        isOpen = true;
      }
    });
    picture.append(svg("path", { d: path, class: `line series-${number % 6}` }));
    if (labels.length < 40) {
      one.values.forEach((value, at) => {
        if (value !== null) picture.append(svg("circle", { cx: x(at), cy: y(value), r: 2.5, class: `dot series-${number % 6}` }));
      });
    }
  });
  const rule = svg("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "rule", visibility: "hidden" });
  picture.append(rule);
  const read = h("p", { class: "reading", "aria-hidden": "true" }, "Point at the plot for values.");
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const at = Math.round(((event.clientX - box.left) / box.width * width - left) / inner * (labels.length - 1));
    const place = Math.min(Math.max(at || 0, 0), labels.length - 1);
    rule.setAttribute("x1", x(place));
    rule.setAttribute("x2", x(place));
    rule.setAttribute("visibility", "visible");
    const values = shown.map((one) => `${one.name} ${one.values[place] === null ? "–" : say(one.values[place])}`);
    read.textContent = `${labels[place]}: ${values.join(" · ")}`;
  });
  return h("figure", {}, picture, read, legend(shown));
}

// rows: [{name, values: [number]}] one value for each of `series`; the longest list is cut at MAX_BARS.
export function bars({ title, rows, series = [title], say }) {
  const shown = rows.slice(0, MAX_BARS);
  if (!shown.length) return h("p", { class: "empty" }, "Nothing to draw yet.");
  const most = Math.max(...shown.flatMap((row) => row.values), 0);
  const high = 22 * series.length + 12;
  const height = TOP + shown.length * high + 4;
  const width = isNarrow() ? 380 : 720, left = isNarrow() ? 124 : 200, room = width - left - (isNarrow() ? 96 : 130);
  const chars = isNarrow() ? 17 : 28;
  const told = shown.map((row) => `${row.name} ${row.values.map(say).join(", ")}`).join("; ");
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": `${title}: ${told}` });
  shown.forEach((row, place) => {
    const y = TOP + place * high;
    const name = row.name.length > chars ? `${row.name.slice(0, chars - 1)}…` : row.name;
    picture.append(svg("text", { x: left - 10, y: y + high / 2, class: "tick end" }, name));
    row.values.forEach((value, number) => {
      const long = most > 0 ? Math.max((value / most) * room, value > 0 ? 1 : 0) : 0;
      const at = y + number * 22;
      picture.append(svg("rect", { x: left, y: at + 2, width: long, height: 18, rx: 3, class: `bar series-${number % 6}` },
        svg("title", {}, `${row.name}: ${say(value)}`)),
      svg("text", { x: left + long + 8, y: at + 16, class: "tick" }, say(value)));
    });
  });
  picture.append(svg("line", { x1: left, x2: left, y1: TOP - 4, y2: height, class: "axis" }));
  const more = rows.length > MAX_BARS && h("p", { class: "soft" }, `The first ${MAX_BARS} of ${rows.length}.`);
  return h("figure", {}, picture, more, legend(series.map((name) => ({ name }))));
}
