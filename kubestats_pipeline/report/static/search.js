// The search of the start page: names at once, then the texts of documents, page by page. Nothing leaves this site.
"use strict";

const form = document.getElementById("search");
const input = document.getElementById("search-words");
const results = document.getElementById("search-results");
const root = form.dataset.root;

const SHOWN = 8; // names of one sort
const MOST_MATCHES = 5000; // names that are ranked
const PAUSE_MS = 200; // after the last key, before texts are searched
const SHORTEST = 3;
const LONGEST = 24; // characters of a word in the files of words
const MOST_FILES = 12; // files of words for one word that is not complete
const AT_ONCE = 4; // pages of documents that are fetched together
const PAGES_EACH = 16; // pages of documents before the reader must ask for more
const ENOUGH = 40; // documents that are shown at once
const LINES_EACH = 3;

const PLURALS = {
  chart: "Charts", app: "Apps", image: "Images", repository: "Repositories", kind: "Kinds", setting: "Settings",
};

const fetched = new Map();

function fetchText(address) {
  if (!fetched.has(address)) {
    const text = fetch(root + address).then((answer) => {
      if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
      return answer.text();
    });
    text.catch(() => fetched.delete(address));
    fetched.set(address, text);
  }
  return fetched.get(address);
}

const linesOf = (text) => text.split("\n").filter(Boolean);

// Names

let names = null;

function loadNames() {
  names ??= fetchText("search/names.txt").then((text) => {
    const lower = text.toLowerCase();
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    return { text, lower: lower.length === text.length ? lower : text, starts };
  });
  names.catch(() => { names = null; });
  return names;
}

function lineAt(starts, offset) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

function rankOf(title, detail, words) {
  if (!words.every((word) => title.includes(word) || detail.includes(word))) return -1;
  const whole = words.join(" ");
  if (title === whole) return 0;
  if (title.startsWith(whole)) return 1;
  const at = title.indexOf(words[0]);
  if (at < 0) return 4;
  return /[a-z0-9]/.test(title[at - 1] ?? "") ? 3 : 2;
}

function findNames(all, words) {
  const found = [];
  const first = words.reduce((a, b) => (b.length > a.length ? b : a));
  let offset = all.lower.indexOf(first);
  while (offset >= 0 && found.length < MOST_MATCHES) {
    const line = lineAt(all.starts, offset);
    const end = all.starts[line + 1] ?? all.text.length;
    const [sort, title, detail, address, used] = all.text.slice(all.starts[line], end - 1).split("\t");
    const rank = address ? rankOf(title.toLowerCase(), detail.toLowerCase(), words) : -1;
    if (rank >= 0) found.push({ sort, title, detail, address, used: Number(used), rank });
    offset = all.lower.indexOf(first, end);
  }
  return found.sort((a, b) => a.rank - b.rank || b.used - a.used);
}

// Words

function wordsOf(text) {
  const words = text.match(/[a-z0-9.]+/g) ?? [];
  return [...new Set(words.map((word) => word.replace(/^\.+|\.+$/g, "").slice(0, LONGEST)))].filter(
    (word) => word.length >= SHORTEST,
  );
}

function numbersOf(text) {
  const numbers = [];
  let last = 0;
  for (const part of text.split(" ")) {
    const [gap, more] = part.split("+");
    const first = last + Number.parseInt(gap, 36);
    last = first + (more ? Number.parseInt(more, 36) : 0);
    for (let number = first; number <= last; number += 1) numbers.push(number);
  }
  return numbers;
}

async function pagesWith(word) {
  const starts = linesOf(await fetchText("search/words.txt"));
  const files = starts.filter((start) => start.startsWith(word) || word.startsWith(start));
  const texts = await Promise.all(files.slice(0, MOST_FILES).map((start) => fetchText(`search/words/w-${start}.txt`)));
  const all = new Set();
  const named = new Set();
  for (const line of texts.flatMap(linesOf)) {
    const [key, ...rest] = line.split(" ");
    const isName = key.startsWith("@");
    if (!(isName ? key.slice(1) : key).startsWith(word)) continue;
    for (const number of numbersOf(rest.join(" "))) (isName ? named : all).add(number);
  }
  return { all, named, isCut: files.length > MOST_FILES };
}

async function pagesOf(words) {
  const found = await Promise.all(words.map(pagesWith));
  const numbers = [...found[0].all].filter((number) => found.every((one) => one.all.has(number)));
  const isNamed = (number) => found.some((one) => one.named.has(number));
  numbers.sort((a, b) => isNamed(b) - isNamed(a) || a - b);
  const listed = linesOf(await fetchText("search/pages.txt")).map((line) => line.split(" "));
  const addresses = listed.flatMap(([folder, count]) =>
    Array.from({ length: Number(count) }, (_, place) => `${folder}/resources-${place + 1}.html`));
  return { pages: numbers.map((number) => addresses[number]), isCut: found.some((one) => one.isCut) };
}

async function readPage(address, words) {
  const hasAll = (text) => words.every((word) => text.toLowerCase().includes(word));
  const page = new DOMParser().parseFromString(await fetchText(address), "text/html");
  fetched.delete(address); // pages are large, and the browser keeps them
  const found = [];
  for (const section of page.querySelectorAll("article.resource")) {
    const title = section.querySelector("h2").textContent.trim();
    const file = section.querySelector("dl .wide code")?.textContent ?? "";
    const lines = (section.querySelector("pre code")?.textContent ?? "").split("\n");
    const hits = [];
    lines.forEach((line, place) => {
      if (hasAll(line)) hits.push({ place: place + 1, line });
    });
    const isNamed = hasAll(title);
    if (hits.length || isNamed) found.push({ address: `${address}#${section.id}`, title, file, hits, isNamed });
  }
  return found.sort((a, b) => b.isNamed - a.isNamed);
}

// What is shown

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const linkTo = (address, text) => make("a", { href: root + address }, text);

function showNames(found) {
  const parts = [];
  const sorts = [...new Set(found.map((one) => one.sort))];
  for (const sort of sorts) {
    const some = found.filter((one) => one.sort === sort);
    const list = make("ul");
    for (const one of some.slice(0, SHOWN)) {
      const item = make("li", {}, linkTo(one.address, one.title));
      if (one.detail) item.append(" ", make("span", { class: "dim" }, one.detail));
      list.append(item);
    }
    const count = some.length > SHOWN ? `${SHOWN} of ${some.length}` : String(some.length);
    parts.push(make("h2", {}, PLURALS[sort] ?? sort, " ", make("span", { class: "dim" }, count)), list);
  }
  return parts;
}

function showDocument(one) {
  const place = one.address.split("#")[0].split("/").slice(1, -1).join("/");
  const item = make("li", {}, linkTo(one.address, one.title), " ", make("span", { class: "dim" }, `${place} ${one.file}`));
  if (one.hits.length) {
    const lines = one.hits.slice(0, LINES_EACH).map((hit) => `${hit.place}: ${hit.line.trim().slice(0, 200)}`);
    if (one.hits.length > LINES_EACH) lines.push(`… ${one.hits.length - LINES_EACH} more lines`);
    item.append(make("pre", {}, make("code", {}, lines.join("\n"))));
  }
  return item;
}

let turn = 0;

async function searchTexts(words, mine, place) {
  const status = make("p", { class: "dim", role: "status" }, "Looking into documents …");
  const list = make("ul", { class: "found" });
  place.replaceChildren(make("h2", {}, "Documents"), status, list);
  const { pages, isCut } = await pagesOf(wordsOf(words.join(" ")));
  let next = 0;
  let shown = 0;
  const more = make("button", { type: "button" }, "Look further");
  const go = async () => {
    more.remove();
    const until = Math.min(pages.length, next + PAGES_EACH);
    const aim = shown + ENOUGH;
    while (next < until && shown < aim && mine === turn) {
      const some = pages.slice(next, Math.min(next + AT_ONCE, until));
      next += some.length;
      for (const found of await Promise.all(some.map((address) => readPage(address, words)))) {
        if (mine !== turn) return;
        list.append(...found.map(showDocument));
        shown += found.length;
      }
    }
    const rest = pages.length - next;
    const left = rest ? `, ${rest} pages of documents are left to look into` : "";
    status.textContent = `${shown} found${left}.${isCut ? " Many words begin so: type more of it to search them all." : ""}`;
    if (rest) place.append(more);
  };
  more.addEventListener("click", go);
  await go();
}

function explain(error) {
  const isFile = location.protocol === "file:";
  const text = isFile
    ? "The search needs a web server: kubestats report --open starts one."
    : `The search could not read its files (${error.message}). Reload the page.`;
  results.hidden = false;
  results.replaceChildren(make("p", { role: "alert" }, text));
}

async function search() {
  turn += 1;
  const mine = turn;
  const wanted = input.value.trim().toLowerCase().replace(/\s+/g, " ");
  results.hidden = !wanted;
  if (!wanted) {
    results.replaceChildren();
    return;
  }
  try {
    const all = await loadNames();
    if (mine !== turn) return;
    const words = wanted.split(" ");
    const found = findNames(all, words);
    const texts = make("div");
    results.replaceChildren(...(found.length ? showNames(found) : [make("p", {}, "No name has this.")]), texts);
    if (!wordsOf(wanted).length) return;
    await new Promise((go) => { setTimeout(go, PAUSE_MS); });
    if (mine === turn) await searchTexts(words, mine, texts);
  } catch (error) {
    if (mine === turn) explain(error);
  }
}

function move(event) {
  const links = [input, ...results.querySelectorAll("a, button")];
  const here = links.indexOf(document.activeElement);
  if (event.key === "Escape") {
    input.value = "";
    input.focus();
    search();
  } else if (here >= 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    links[Math.max(0, Math.min(links.length - 1, here + (event.key === "ArrowDown" ? 1 : -1)))].focus();
  }
}

input.addEventListener("input", search);
input.addEventListener("focus", () => { loadNames().catch(() => {}); }, { once: true });
form.addEventListener("keydown", move);
results.addEventListener("keydown", move);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const address = new URL(location.href);
  address.searchParams.set("q", input.value.trim());
  history.replaceState(null, "", address);
  search();
});

const asked = new URLSearchParams(location.search).get("q");
if (asked) {
  input.value = asked;
  search();
}
if (asked || location.hash === "#search-words") input.focus();
