// How is an element made? Text is text: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function h(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

export function field(label, control, hint) {
  return h("label", { class: "field" }, h("span", {}, label), control, hint && h("small", {}, hint));
}

export function select(options, value, onchange, label) {
  const made = h("select", { onchange: () => onchange(made.value), "aria-label": label });
  for (const [key, text] of options) made.append(h("option", { value: key, selected: key === value }, text));
  return made;
}

export function notice(text, kind = "info") {
  return h("p", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, text);
}

export function card(title, text, ...children) {
  return h("section", { class: "card" }, h("h2", {}, title), text && h("p", { class: "soft" }, text), ...children);
}

export function figure(label, value, more, kind) {
  // Where an amount is too wide, its currency stands above it: no line breaks between two digits.
  const said = typeof value === "string" ? value.replaceAll("\u00a0", " ") : value;
  return h("div", { class: `figure ${kind ?? ""}` },
    h("dt", {}, label), h("dd", { class: /^\S{13,}$/.test(said) && "long" }, said), more && h("dd", { class: "more" }, more));
}

export function figures(...all) {
  return h("dl", { class: "figures" }, ...all);
}

// What somebody reads, marks or has the keyboard in is not drawn anew under their hands.
export function isInUse(element) {
  return element.contains(document.activeElement) || element.querySelector(".plot:hover") !== null || document.getSelection().toString() !== "";
}
