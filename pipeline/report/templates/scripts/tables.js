// --- tables ---

const valueOf = (row, column) => {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  return text === "" || text === "–" ? null : isNaN(text) ? text.toLowerCase() : Number(text);
};

const sortBy = (table, column, descending) => {
  const header = table.tHead.rows[0].cells[column];
  for (const other of table.tHead.rows[0].cells) {
    if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", other === header ? (descending ? "descending" : "ascending") : "none");
  }
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column), row]);
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null); // what has no value stays last
    const order = typeof a === "string" || typeof b === "string" ? String(a).localeCompare(String(b)) : a - b;
    return descending ? -order : order;
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
};

for (const table of all("table.sortable")) {
  table.tHead.addEventListener("click", (event) => {
    const header = event.target.closest("th");
    if (!header || !event.target.closest("button")) return;
    const now = header.getAttribute("aria-sort");
    const descending = now === "none" ? header.classList.contains("n") : now === "ascending";
    sortBy(table, header.cellIndex, descending);
    if (table.matches(".leaderboard")) writeAddress({ sort: `${header.dataset.col}${descending ? "-" : ""}` });
  });
}

const COLUMNS_SHOWN = new Set(["proxy", "rho", "interval", "seconds", "failed", "n"]);
let columns = new Set(COLUMNS_SHOWN);
const columnStyle = document.head.appendChild(document.createElement("style"));
const showColumns = () => {
  const hidden = all("th[data-col]", one("table.leaderboard")).map((th) => th.dataset.col).filter((col) => !columns.has(col));
  columnStyle.textContent = hidden.length ? `${hidden.map((col) => `.leaderboard [data-col="${col}"]`).join()} { display: none }` : "";
};

const filterBoard = (board) => {
  const words = one(".find", board).value.trim().toLowerCase();
  const wanted = Object.fromEntries(all("select[data-filter]", board).map((select) => [select.dataset.filter, select.value]));
  let count = 0;
  for (const row of one("table", board).tBodies[0].rows) {
    const matches = row.dataset.label.toLowerCase().includes(words)
      && Object.entries(wanted).every(([key, value]) => !value || row.dataset[key] === value);
    row.hidden = !matches;
    count += matches;
  }
  one(".count", board).textContent = `${count} of ${one("table", board).tBodies[0].rows.length} rows`;
  board.classList.toggle("filtered", Boolean(words) || Object.values(wanted).some(Boolean));
};

const restoreBoard = (target) => {
  const board = one(".board", target);
  if (!board) return;
  one(".find", board).value = state.find || "";
  for (const select of all("select[data-filter]", board)) select.value = state[select.dataset.filter] || "";
  filterBoard(board);
  if (state.sort) {
    const header = one(`th[data-col="${CSS.escape(state.sort.replace(/-$/, ""))}"]`, board);
    if (header) sortBy(one("table", board), header.cellIndex, state.sort.endsWith("-"));
  }
};

for (const board of all(".board")) {
  const rows = [...one("table", board).tBodies[0].rows];
  for (const select of all("select[data-filter]", board)) {
    const values = [...new Set(rows.map((row) => row.dataset[select.dataset.filter]))].filter(Boolean).sort();
    select.append(...values.map((value) => new Option(value, value)));
    select.parentElement.hidden = values.length < 2;
    select.addEventListener("change", () => { writeAddress({ [select.dataset.filter]: select.value }); filterBoard(board); });
  }
  one(".find", board).addEventListener("input", (event) => { writeAddress({ find: event.target.value }); filterBoard(board); });
  one(".more", board).addEventListener("click", () => board.classList.add("all"));
  if (rows.length <= 12) board.classList.add("all");
  const chooser = one(".columns", board);
  for (const header of all("th[data-col]", board)) {
    if (header.dataset.col === "proxy") continue;
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: columns.has(header.dataset.col) });
    box.addEventListener("change", () => {
      columns[box.checked ? "add" : "delete"](header.dataset.col);
      showColumns();
    });
    label.append(box, ` ${one("button", header).textContent}`);
    chooser.append(label);
  }
  one("table", board).addEventListener("click", (event) => {
    const button = event.target.closest("tbody th button");
    if (!button) return;
    const series = button.closest("tr").dataset.series;
    writeAddress({ space: shownSpace().id, target: shownTarget().dataset.target, proxy: series });
    openDrawer(series);
  });
}
