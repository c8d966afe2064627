// Renders /api/v1/openapi.json. Everything from the document is put in as text, never as HTML.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
/** Schemas inside of each other are shown to this depth. */
const DEPTH = 6;

function node(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function resolved(root, schema) {
  const name = schema && schema.$ref && schema.$ref.split("/").pop();
  return name ? root.components.schemas[name] || {} : schema || {};
}

/** What a schema looks like, as text that resembles JSON. */
function shape(root, schema, indent = "", depth = 0) {
  const name = schema && schema.$ref ? schema.$ref.split("/").pop() : null;
  const s = resolved(root, schema);
  if (depth > DEPTH) return name || "…";
  const deeper = (inner) => shape(root, inner, indent + "  ", depth + 1);
  const choices = s.oneOf || s.anyOf;
  if (choices) return choices.map((choice) => shape(root, choice, indent, depth + 1)).join(" | ");
  if (s.allOf) return s.allOf.map((part) => shape(root, part, indent, depth + 1)).join(" & ");
  if (s.enum) return s.enum.map((value) => JSON.stringify(value)).join(" | ");
  const kinds = [].concat(s.type || []);
  if (kinds.includes("array")) return `[${deeper(s.items)}]`;
  if (s.properties) {
    const needed = s.required || [];
    const lines = Object.entries(s.properties).map(([key, inner]) => {
      const about = resolved(root, inner).description || inner.description;
      const comment = about ? `  // ${about.split("\n")[0]}` : "";
      return `${indent}  ${key}${needed.includes(key) ? "" : "?"}: ${deeper(inner)}${comment}`;
    });
    return `{\n${lines.join("\n")}\n${indent}}`;
  }
  if (s.additionalProperties && s.additionalProperties !== true) return `{ [name]: ${deeper(s.additionalProperties)} }`;
  const bounds = [
    s.format,
    s.minLength !== undefined || s.maxLength !== undefined ? `${s.minLength ?? 0}..${s.maxLength ?? ""} characters` : null,
    s.minimum !== undefined || s.maximum !== undefined ? `${s.minimum ?? ""}..${s.maximum ?? ""}` : null,
    s.pattern,
  ].filter(Boolean);
  return (kinds.join(" | ") || "anything") + (bounds.length ? ` (${bounds.join(", ")})` : "");
}

function table(heads, rows) {
  const head = node("tr", {}, ...heads.map((text) => node("th", { scope: "col" }, text)));
  return node("table", {}, node("thead", {}, head), node("tbody", {}, ...rows.map((cells) => node("tr", {}, ...cells.map((cell) => node("td", {}, cell))))));
}

function access(operation) {
  if (!operation.security || operation.security.length === 0) return "Everybody may.";
  const needs = operation["x-permissions"] || [];
  return needs.length ? `Needs ${needs.join(" and ")}.` : "Needs somebody who is signed in.";
}

function parameters(root, operation) {
  const all = operation.parameters || [];
  if (!all.length) return null;
  const rows = all.map((one) => [
    node("code", {}, one.name), one.in + (one.required ? ", required" : ""), node("code", {}, shape(root, one.schema)), one.description || "",
  ]);
  return node("section", {}, node("h4", {}, "Parameters"), table(["Name", "In", "Kind", ""], rows));
}

function bodyOf(root, title, content) {
  const kinds = Object.entries(content || {}).filter(([, media]) => media.schema);
  if (!kinds.length) return null;
  return node("section", {}, node("h4", {}, title), ...kinds.map(([kind, media]) => node("div", {}, node("code", {}, kind), node("pre", {}, shape(root, media.schema)))));
}

function responses(root, operation) {
  const rows = Object.entries(operation.responses || {}).map(([status, response]) => [
    node("code", {}, status), response.description || "",
    node("div", {}, ...Object.entries(response.content || {}).map(([kind, media]) =>
      node("details", {}, node("summary", {}, node("code", {}, kind)), node("pre", {}, shape(root, media.schema || {}))))),
  ]);
  return node("section", {}, node("h4", {}, "Answers"), table(["Status", "When", "Body"], rows));
}

function rendered(root, path, method, operation) {
  const details = node("details", { class: "operation", id: operation.operationId || `${method}${path}` },
    node("summary", {}, node("b", { class: "method" }, method.toUpperCase()), node("code", {}, path),
      node("span", { class: "words" }, operation.summary || "")));
  details.dataset.words = [method, path, operation.summary, operation.operationId, operation.description].join(" ").toLowerCase();
  // Filled when it is opened: a hundred operations with their shapes are long.
  details.addEventListener("toggle", () => {
    if (details.dataset.filled) return;
    details.dataset.filled = "yes";
    details.append(...[
      operation.description ? node("p", {}, operation.description) : null,
      node("p", { class: "note" }, `${access(operation)} Counted as ${operation["x-rate-limit"] || "unlimited"}.`),
      parameters(root, operation),
      operation.requestBody ? bodyOf(root, "Body", operation.requestBody.content) : null,
      responses(root, operation),
    ].filter(Boolean));
  });
  return details;
}

function show(root) {
  document.getElementById("title").textContent = `${root.info.title} ${root.info.version}`;
  document.getElementById("about").textContent = root.info.description || "";
  const groups = new Map();
  for (const [path, item] of Object.entries(root.paths)) {
    for (const method of METHODS.filter((method) => item[method])) {
      const tag = (item[method].tags || ["Other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(rendered(root, path, method, item[method]));
    }
  }
  const sections = [...groups].sort(([a], [b]) => a.localeCompare(b)).map(([tag, all]) => node("section", { class: "tag" }, node("h2", {}, tag), ...all));
  document.getElementById("operations").replaceChildren(...sections);
  const asked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (asked) { asked.open = true; asked.scrollIntoView(); }
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("section.tag")) {
    let any = false;
    for (const operation of section.querySelectorAll("details.operation")) {
      operation.hidden = !words.every((word) => operation.dataset.words.includes(word));
      any = any || !operation.hidden;
    }
    section.hidden = !any;
  }
}

document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
fetch("/api/v1/openapi.json", { credentials: "omit" })
  .then((answer) => { if (!answer.ok) throw new Error(`status ${answer.status}`); return answer.json(); })
  .then(show)
  .catch((fault) => { document.getElementById("operations").textContent = `The document cannot be read: ${fault.message}`; });
