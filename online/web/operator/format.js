// How are numbers, money and times said?

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const share = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const monies = new Map();

export function count(value) {
  return value === null || value === undefined ? "–" : number.format(value);
}

export function precise(value) {
  return value === null || value === undefined ? "–" : fine.format(value);
}

export function percent(part, whole) {
  return whole ? share.format(part / whole) : "–";
}

function moneyFormat(currency) {
  if (!monies.has(currency)) {
    monies.set(currency, new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "code" }));
  }
  return monies.get(currency);
}

// Minor units as the unit of the currency: 2 digits for most, 0 for JPY, 3 for KWD.
export function units(cents, currency) {
  return cents / 10 ** moneyFormat(currency).resolvedOptions().maximumFractionDigits;
}

export function money(cents, currency) {
  if (cents === null || cents === undefined) return "–";
  return currency ? moneyFormat(currency).format(units(cents, currency)) : count(cents);
}

export function monies_of(byCurrency) {
  const all = Object.entries(byCurrency);
  return all.length ? all.map(([currency, cents]) => money(cents, currency)).join(" + ") : "–";
}

export function ms(value) {
  return value === null || value === undefined ? "–" : `${fine.format(value)} ms`;
}

export function time(text) {
  return text ? new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : "never";
}

export function clock(text) {
  return new Date(text).toLocaleTimeString("en-GB");
}

export function age(seconds) {
  if (seconds === null || seconds === undefined) return "not known";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function bytes(value) {
  return value > 1e9 ? `${fine.format(value / 1e9)} GB` : `${Math.round(value / 1e6)} MB`;
}
