// How are rows shown, sorted and taken away? As a table, and as a CSV file of all of them.

import { h } from "./dom.js";

const SHOWN = 50;

// A spreadsheet would execute a text that begins so.
function cell(value) {
  const text = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const harmless = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export function csv(columns, rows) {
  return [columns.map(cell), ...rows.map((row) => row.map(cell))].map((line) => line.join(",")).join("\r\n") + "\r\n";
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = h("a", { href: address, download: `${name}.csv` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function csvButton(name, columns, rows) {
  return h("button", { type: "button", class: "quiet", onclick: () => download(name, csv(columns, rows)) },
    `CSV, ${rows.length.toLocaleString("en")} ${rows.length === 1 ? "row" : "rows"}`);
}

// columns: [{name, title, say?: (value, row) => text or element, number?: bool, kind?: tight or wide}]; rows: objects by the columns' names.
// A column without a name is for doing something with a row: it is neither sorted nor in the file.
export function table(name, caption, columns, rows, empty = "Nothing yet.") {
  if (!rows.length) return h("p", { class: "empty" }, empty);
  let order = null;
  let falling = false;
  const body = h("tbody");
  const headers = columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null },
    column.name ? h("button", { type: "button", onclick: () => sort(column) }, column.title) : column.title));

  function fill() {
    const sorted = order ? [...rows].sort((a, b) => compare(a[order.name], b[order.name]) * (falling ? -1 : 1)) : rows;
    body.replaceChildren(...sorted.slice(0, SHOWN).map((row) => h("tr", {}, columns.map((column) => {
      const value = row[column.name];
      const said = column.say ? column.say(value, row) : value ?? "–";
      return h("td", { class: column.number ? "number" : column.kind }, said);
    }))));
  }

  function sort(column) {
    falling = order === column ? !falling : Boolean(column.number);
    order = column;
    columns.forEach((one, at) => {
      if (one === column) headers[at].setAttribute("aria-sort", falling ? "descending" : "ascending");
      else headers[at].removeAttribute("aria-sort");
    });
    fill();
  }

  fill();
  const names = columns.map((column) => column.name).filter(Boolean);
  const raw = rows.map((row) => names.map((one) => row[one]));
  return h("div", {},
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
      h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, headers)), body)),
    h("div", { class: "under" },
      rows.length > SHOWN && h("span", { class: "soft" }, `The first ${SHOWN} of ${rows.length.toLocaleString("en")}.`),
      csvButton(name, names, raw)));
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });
}
