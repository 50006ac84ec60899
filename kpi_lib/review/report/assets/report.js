/* Tables sort on a click on a heading; folded parts open for the printer. */
(() => {
  const value = (row, at) => {
    const cell = row.cells[at];
    if (!cell) return null;
    const text = (cell.dataset.sort ?? cell.textContent).trim();
    return text === "" || text === "–" ? null : text;
  };
  const compare = (a, b, numeric) => (numeric ? a - b : a.localeCompare(b, "en", { numeric: true }));

  const sort = (table, heading) => {
    const at = heading.cellIndex;
    const down = heading.getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, at), row]);
    const known = rows.filter(([key]) => key !== null);
    const numeric = known.every(([key]) => Number.isFinite(Number(key)));
    known.sort(([a], [b]) => compare(a, b, numeric) * (down ? -1 : 1));
    body.append(...known.map(([, row]) => row), ...rows.filter(([key]) => key === null).map(([, row]) => row));
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const button of table.querySelectorAll("thead th button")) {
      button.addEventListener("click", () => sort(table, button.parentElement));
    }
  }
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
})();
