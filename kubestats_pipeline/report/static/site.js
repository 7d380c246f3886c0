// Tables: sorting by a click on a heading, and a filter above long ones. Everything is there without it too.
"use strict";

const LONG_TABLE = 12;

function valueOf(cell) {
  const text = cell.textContent.trim();
  const time = cell.querySelector("time");
  if (time) return time.dateTime;
  const number = Number(text.replace(/[,%]/g, ""));
  return text !== "" && !Number.isNaN(number) ? number : text === "–" ? null : text.toLowerCase();
}

function compare(a, b) {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  if (typeof a === typeof b) return a < b ? -1 : 1;
  return typeof a === "number" ? -1 : 1;
}

function sortBy(table, heading, column) {
  const rising = heading.getAttribute("aria-sort") !== "ascending";
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row, place) => ({ row, place, value: valueOf(row.cells[column]) }));
  rows.sort((a, b) => {
    if (a.value === null || b.value === null) return compare(a.value, b.value) || a.place - b.place;
    return (rising ? 1 : -1) * compare(a.value, b.value) || a.place - b.place;
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
  body.append(...rows.map((one) => one.row));
}

function makeSortable(table) {
  Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, heading, column));
  });
}

function makeFilter(table) {
  const region = table.closest(".scroll");
  const rows = Array.from(table.tBodies[0].rows, (row) => ({ row, text: row.textContent.toLowerCase() }));
  const label = document.createElement("label");
  label.className = "filter";
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Filter";
  input.setAttribute("aria-label", `Filter ${region.getAttribute("aria-label")}`);
  const count = document.createElement("span");
  count.className = "dim";
  count.setAttribute("role", "status");
  label.append(input, count);
  region.before(label);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text } of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
}

for (const table of document.querySelectorAll("table.data")) {
  makeSortable(table);
  if (table.tBodies[0].rows.length >= LONG_TABLE) makeFilter(table);
}

// The key / leads to the search, from every page.
document.addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const here = document.getElementById("search-words");
  if (here) here.focus();
  else location.assign(`${document.querySelector("a.brand").getAttribute("href")}#search-words`);
});
