// How are the rows of the marts read? By the names of their columns.

import { h, notice } from "./dom.js";

export function noMarts() {
  return notice(["The marts were not made yet: ", h("code", {}, "make boards"), " makes them, and where Dagster runs they follow by themselves."]);
}

export function objects(reports, name) {
  const report = reports.reports.find((one) => one.name === name);
  return report ? report.rows.map((row) => Object.fromEntries(report.columns.map((column, at) => [column, row[at]]))) : [];
}

// Rows added up by some of their columns.
export function summed(rows, by, figuresOf) {
  const found = new Map();
  for (const row of rows) {
    const name = by.map((column) => row[column]).join("\u0000");
    const one = found.get(name) ?? { ...Object.fromEntries(by.map((column) => [column, row[column]])), ...Object.fromEntries(figuresOf.map((column) => [column, 0])) };
    for (const column of figuresOf) one[column] += row[column] ?? 0;
    found.set(name, one);
  }
  return [...found.values()];
}
