"use strict";
// Shows openapi.json. Everything of it is put in as text, never as markup.

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) made.append(child);
  return made;
}

// `words` between backticks as code.
function prose(text) {
  return (text || "").split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));
}

function nameOf(reference) {
  return reference.split("/").pop();
}

// A schema in a few words; schemas by name are links.
function shape(schema) {
  if (!schema) return ["anything"];
  if (schema.$ref) return [element("a", { href: "#schema-" + nameOf(schema.$ref) }, nameOf(schema.$ref))];
  const either = schema.oneOf || schema.anyOf;
  if (either) return either.flatMap((one, at) => (at ? [" or ", ...shape(one)] : shape(one)));
  if (schema.enum) return [schema.enum.map((word) => JSON.stringify(word)).join(" or ")];
  const types = [].concat(schema.type || "anything");
  if (types.includes("array")) return ["list of ", ...shape(schema.items), types.includes("null") ? " or null" : ""];
  const bounds = [
    ["minimum", "from "], ["maximum", "to "], ["minLength", "at least ", " letters"],
    ["maxLength", "at most ", " letters"], ["format", ""],
  ];
  const told = bounds.filter(([key]) => key in schema).map(([key, before, after]) => before + schema[key] + (after || ""));
  return [types.join(" or ") + (told.length ? " (" + told.join(", ") + ")" : "")];
}

// What a key says of itself; beside null it stands with the other.
function aboutKey(schema) {
  const told = [schema, ...(schema.oneOf || [])].find((one) => one.description);
  return prose(told && told.description);
}

function table(heads, rows) {
  if (!rows.length) return null;
  const head = element("tr", {}, heads.map((text) => element("th", { scope: "col" }, text)));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, rows));
}

function row(...cells) {
  return element("tr", {}, cells.map((cell) => element("td", {}, cell)));
}

function parameters(call) {
  const rows = (call.parameters || []).map((one) =>
    row(element("code", {}, one.name), one.in + (one.required ? ", required" : ""), shape(one.schema), prose(one.description)));
  return rows.length ? [element("h3", {}, "Parameters"), table(["name", "in", "what", "about"], rows)] : [];
}

function example(content) {
  if (content.example === undefined) return null;
  const text = typeof content.example === "string" ? content.example : JSON.stringify(content.example, null, 2);
  return element("pre", { tabindex: "0" }, text);
}

function body(call) {
  if (!call.requestBody) return [];
  const kinds = Object.entries(call.requestBody.content).map(([kind, content]) =>
    [element("p", {}, element("code", {}, kind), " ", shape(content.schema)), example(content)]);
  return [element("h3", {}, "Body"), element("p", { class: "about" }, prose(call.requestBody.description)), ...kinds.flat()];
}

function answers(call) {
  const told = Object.entries(call.responses).map(([status, answer]) => {
    const kinds = Object.entries(answer.content || {});
    const what = kinds.flatMap(([kind, content]) => [element("code", {}, kind), " ", ...shape(content.schema)]);
    const headers = Object.entries(answer.headers || {}).map(([name, header]) =>
      element("p", {}, element("code", {}, name), " ", prose(header.description)));
    const shown = kinds.map(([, content]) => example(content)).filter(Boolean);
    const about = [element("div", {}, prose(answer.description)), element("div", { class: "soft" }, what), headers];
    if (shown.length) about.push(element("details", {}, element("summary", {}, "example"), shown));
    return row(status, about);
  });
  return [element("h3", {}, "Answers"), table(["status", "about"], told)];
}

function show(method, path, call) {
  const verb = method.toUpperCase();
  const head = element("summary", {},
    element("span", { class: "method " + verb }, verb), element("span", { class: "path" }, path),
    element("span", { class: "about" }, prose(call.summary)));
  const about = element("div", {}, element("p", {}, prose(call.description)), parameters(call), body(call), answers(call));
  const shown = element("details", { class: "call", id: call.operationId }, head, about);
  shown.dataset.words = (verb + " " + path + " " + (call.summary || "") + " " + call.operationId).toLowerCase();
  return shown;
}

function schemaSection(name, schema) {
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([key, value]) =>
    row(element("code", {}, key), shape(value), required.has(key) ? "always" : "", aboutKey(value)));
  const shown = element("details", { class: "call", id: "schema-" + name },
    element("summary", {}, element("span", { class: "path" }, name), element("span", { class: "about" }, prose(schema.description))),
    element("div", {}, table(["key", "what", "", "about"], rows) || element("p", {}, shape(schema))));
  shown.dataset.words = name.toLowerCase();
  return shown;
}

function group(name, about, shown) {
  return element("section", { id: "group-" + name }, element("h2", {}, name), element("p", { class: "soft" }, prose(about)), shown);
}

function sections(api) {
  const calls = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => [method, path, item[method]]));
  const made = (api.tags || []).map((tag) => [tag.name, group(tag.name, tag.description,
    calls.filter(([, , call]) => (call.tags || []).includes(tag.name)).map((one) => show(...one)))]);
  const schemas = Object.entries(api.components.schemas).map((one) => schemaSection(...one));
  return [...made, ["schemas", group("schemas", "Bodies and answers by name.", schemas)]];
}

function find(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  for (const one of document.querySelectorAll("details.call")) {
    one.hidden = !wanted.every((word) => one.dataset.words.includes(word));
  }
  for (const one of document.querySelectorAll("section")) {
    one.hidden = !one.querySelector("details.call:not([hidden])");
  }
}

// What the address names is open and in sight.
function reveal() {
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!named) return;
  if (named.tagName === "DETAILS") named.open = true;
  named.scrollIntoView();
}

async function start() {
  const answer = await fetch("openapi.json");
  if (!answer.ok) return;
  const api = await answer.json();
  const made = sections(api);
  document.getElementById("version").textContent = api.info.version;
  const about = api.info.description.split("\n\n").map((part) => element("p", {}, prose(part)));
  document.getElementById("calls").replaceChildren(...about, ...made.map(([, section]) => section));
  const nav = document.getElementById("groups");
  nav.replaceChildren(...made.map(([name]) => element("a", { href: "#group-" + name }, name)));
  const box = document.getElementById("find");
  box.addEventListener("input", () => find(box.value));
  box.hidden = nav.hidden = false;
  addEventListener("hashchange", reveal);
  reveal();
}

start();
