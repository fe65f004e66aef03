// Drives the page: one space and target at a time, tables that sort and filter, and charts drawn when they come into view.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const spaces = all("section.space");
  const drawer = one("#drawer");
  let data = null; // of #page-data, unpacked when a chart needs it
  let state = {};

  // --- the address: #space=..&target=..&proxy=..&a=..&b=..&find=..&sort=.. or the id of a section ---

  const readAddress = () => {
    const text = decodeURIComponent(location.hash.slice(1));
    if (text.includes("=")) return Object.fromEntries(new URLSearchParams(text));
    const section = text && document.getElementById(text);
    const space = section && section.closest("section.space");
    if (!space) return { at: text };
    const target = section.closest("section.target");
    return { space: space.id, ...(target && { target: target.dataset.target }), at: text };
  };

  const writeAddress = (changes) => {
    state = { ...state, ...changes };
    delete state.at;
    for (const [key, value] of Object.entries(state)) if (!value) delete state[key];
    history.replaceState(null, "", `#${new URLSearchParams(state)}`);
  };

  const shownSpace = () => spaces.find((space) => !space.hidden);
  const shownTarget = () => one("section.target:not([hidden])", shownSpace());

  const show = () => {
    state = readAddress();
    const space = spaces.find((section) => section.id === state.space) || spaces[0];
    if (!space) return;
    for (const section of spaces) section.hidden = section !== space;
    for (const link of all(".tabs a")) {
      if (link.hash === `#${space.id}`) {
        link.setAttribute("aria-current", "page");
        link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft - 40;
      }
      else link.removeAttribute("aria-current");
    }
    const targets = all("section.target", space);
    const target = targets.find((section) => section.dataset.target === state.target) || targets[0];
    for (const section of targets) section.hidden = section !== target;
    for (const link of all(".targets a", space)) {
      if (target && link.hash === `#${target.id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    for (const link of all(".contents a[data-part]")) {
      const part = one(`[data-part="${link.dataset.part}"]:not(a)`, space);
      link.hidden = !part;
      if (part) link.href = `#${part.id}`;
    }
    if (!target) return;
    restoreBoard(target);
    watchCharts();
    if (state.a && state.b) chooseCompared(space, state.a, state.b);
    if (state.proxy) openDrawer(state.proxy);
    else if (drawer.open) drawer.close();
    const anchor = state.at && document.getElementById(state.at);
    if (anchor && anchor !== space && anchor !== target) anchor.scrollIntoView();
  };

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

  // --- data and charts ---

  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  let loading = null;
  const load = () => loading ??= (async () => {
    data = JSON.parse(await unpack("page-data"));
    const script = document.createElement("script");
    script.textContent = await unpack("chart-library");
    document.head.append(script);
  })();

  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const config = () => ({
    background: "transparent", font: "system-ui, sans-serif", view: { stroke: null },
    axis: { labelColor: colour("--ink"), titleColor: colour("--muted"), gridColor: colour("--line"), domainColor: colour("--line"), tickColor: colour("--line"), titleFontWeight: "normal" },
    legend: { labelColor: colour("--ink"), titleColor: colour("--muted") },
    text: { color: colour("--ink") }, title: { color: colour("--ink") },
  });

  const draw = async (element, name, points, titles = {}) => {
    await load();
    const spec = structuredClone(data.specifications[name]);
    spec.datasets = { points };
    for (const layer of [spec, ...(spec.layer || [])]) {
      for (const [channel, title] of Object.entries(titles)) {
        if (layer.encoding?.[channel]?.axis) layer.encoding[channel].axis.title = title;
      }
    }
    const holder = one(".drawn", element) || element;
    const result = await vegaEmbed(holder, spec, { actions: false, renderer: "svg", config: config() });
    one("svg", holder)?.setAttribute("aria-label", element.dataset.label || name);
    element.classList.add("done");
    return result.view;
  };

  const rowsOf = (target) => all(".leaderboard tbody tr", target).map((row) => row.dataset);
  const spaceData = (section) => data.spaces.find((space) => space.key === section.id);
  const numeric = (text) => (text === undefined || text === "" ? null : Number(text));

  const costPoints = (target) => {
    const points = rowsOf(target)
      .filter((row) => row.shared && !row.few && numeric(row.seconds) && row.kind !== "released")
      .map((row) => ({
        name: row.label, kind: row.kind, rho: Number(row.rho), low: numeric(row.low), high: numeric(row.high),
        seconds: Number(row.seconds), interval: row.low ? `[${Number(row.low).toFixed(3)}, ${Number(row.high).toFixed(3)}]` : "–",
      }))
      .sort((a, b) => a.seconds - b.seconds || b.rho - a.rho);
    let best = -Infinity;
    for (const point of points) {
      point.front = point.rho > best;
      best = Math.max(best, point.rho);
    }
    return points;
  };

  const painters = {
    cost: async (element) => {
      const points = costPoints(element.closest("section.target"));
      if (points.length) await draw(element, "cost", points);
      else element.hidden = true;
    },
    searches: (element) => draw(element, "searches", records(spaceData(element.closest("section.space")).searches), { y: element.dataset.y }),
    limits: (element) => {
      const chosen = one("select", element);
      const cost = spaceData(element.closest("section.space")).limits[Number(chosen.value)];
      const last = Math.max(...cost.lines.flatMap((line) => line.costs));
      const points = cost.lines.flatMap((line, i) => {
        const from = Math.max(0, line.costs.findLastIndex((limit) => limit <= cost.from)); // cheaper ones would stretch the axis
        const limits = [Math.max(cost.from, line.costs[from]), ...line.costs.slice(from + 1), last];
        return limits.map((limit, j) => ({ name: line.name, reference: i < 2, cost: limit, found: line.found[Math.min(from + j, line.found.length - 1)] }));
      });
      const unit = element.dataset.units.split("|")[chosen.selectedIndex];
      return draw(element, "limits", points, { x: `limit on ${chosen.selectedOptions[0].text}, ${unit}`, y: element.dataset.y });
    },
    history: (element) => draw(element, "history", data.history.filter((row) => row.target === one("select", element).value)),
  };

  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || target.classList.contains("done")) continue;
      observer.unobserve(target);
      load().then(() => painters[target.dataset.chart](target)).catch((error) => { target.classList.add("failed"); one(".drawn", target).textContent = `This chart cannot be drawn here (${error.message}); the tables hold its numbers.`; });
    }
  }, { rootMargin: "200px" });
  const watchCharts = () => {
    for (const chart of all("figure[data-chart]")) {
      if (chart.dataset.chart in painters && !chart.classList.contains("done") && !chart.closest("[hidden]")) observer.observe(chart);
    }
  };

  const records = (columns) => {
    const names = Object.keys(columns || {});
    return names.length ? columns[names[0]].map((_, i) => Object.fromEntries(names.map((name) => [name, columns[name][i]]))) : [];
  };
  const seriesKey = (row) => `${row.proxy_id}.${row.seed ?? ""}`;

  // average ranks as shares of the whole, 0 the lowest
  const ranks = (values) => {
    const order = values.map((value, i) => [value, i]).sort(([a], [b]) => a - b);
    const result = new Array(values.length);
    for (let i = 0; i < order.length;) {
      let end = i;
      while (end + 1 < order.length && order[end + 1][0] === order[i][0]) end += 1;
      for (let j = i; j <= end; j += 1) result[order[j][1]] = order.length > 1 ? (i + end) / 2 / (order.length - 1) : 0.5;
      i = end + 1;
    }
    return result;
  };

  // --- the drawer of one proxy ---

  const element = (name, text, attributes = {}) => Object.assign(document.createElement(name), { textContent: text, ...attributes });

  const openDrawer = async (series) => {
    const row = one(`tr[data-series="${CSS.escape(series)}"]`, shownTarget());
    if (!row) return;
    one("#drawer-title").textContent = row.dataset.label + (Number(row.dataset.seed) ? `, seed ${row.dataset.seed}` : "");
    const body = one("#drawer-body");
    body.replaceChildren(element("p", "…"));
    if (!drawer.open) drawer.showModal();
    await load();
    const space = spaceData(shownSpace());
    const target = space.targets.find((other) => other.key === shownTarget().dataset.target);
    const own = space.series.find((other) => seriesKey(other) === series);
    const proxy = data.proxies[series.split(".")[0]];
    const facts = element("dl", "");
    for (const header of all(".leaderboard th[data-col]", shownTarget())) {
      if (header.dataset.col === "proxy") continue;
      const cell = row.cells[header.cellIndex];
      facts.append(element("dt", one("button", header).textContent), element("dd", cell.textContent.trim() || "–"));
    }
    body.replaceChildren(facts);
    if (own && target) body.append(scatter(space, target, own, proxy));
    if (own?.rho) body.append(curves(own));
    const failed = space.failures.filter((failure) => seriesKey(failure) === series);
    if (failed.length) {
      body.append(element("h3", "Failures by reason"));
      const list = element("ul", "");
      list.append(...failed.map((failure) => element("li", `${failure.scores} ${failure.status}: ${failure.reason ?? "no reason given"}`)));
      body.append(list);
    }
    body.append(element("h3", "Configuration"), element("p", `version ${proxy.version}, identity ${series.split(".")[0]}`), element("pre", JSON.stringify(proxy.configuration, null, 1), { tabIndex: 0 }));
  };

  const figure = (label) => {
    const holder = element("figure", "", { className: "drawing" });
    holder.dataset.label = label;
    holder.append(element("div", "", { className: "drawn" }));
    return holder;
  };

  const scatter = (space, target, own, proxy) => {
    const section = element("div", "");
    const raw = element("input", "", { type: "checkbox", id: "raw-axes" });
    const label = element("label", " values as stored");
    label.prepend(raw);
    const holder = figure("score against true value");
    section.append(element("h3", `Score against ${target.name}`), label, holder);
    const paint = () => {
      const kept = own.scores.map((score, i) => [score, target.truth[i], i]).filter(([x, y]) => x !== null && y !== null && y !== undefined);
      const sign = (higher) => (higher ? 1 : -1);
      const x = ranks(kept.map(([score]) => sign(proxy.higher_is_better) * score));
      const y = ranks(kept.map(([, truth]) => sign(target.higher_is_better) * truth));
      const points = kept.map(([score, truth, i], k) => ({
        x: raw.checked ? score : x[k], y: raw.checked ? truth : y[k], x_value: score, y_value: truth,
        id: space.architectures.id[i], spec: space.architectures.spec[i],
      }));
      draw(holder, "scatter", points, raw.checked
        ? { x: "score as stored", y: `${target.name}, ${target.unit}` }
        : { x: "rank of the score, higher is better", y: "true rank, higher is better" });
    };
    raw.addEventListener("change", paint);
    paint();
    return section;
  };

  const curves = (own) => {
    const section = element("div", "");
    const points = records(own.rho);
    for (const mode of new Set(points.map((point) => point.mode))) {
      const named = points.filter((point) => point.mode === mode).map((point) => ({ ...point, stage: point.stage === null ? "all stages" : `stage ${point.stage}` }));
      const holder = figure(`rho by iteration, ${mode} loss`);
      section.append(element("h3", `rho of the ${mode} loss by iteration`), holder);
      draw(holder, "iterations", named);
      const losses = records(own.loss).filter((point) => point.mode === mode);
      if (losses.length) {
        const loss = figure(`loss by iteration, ${mode}`);
        section.append(element("h3", `${mode} loss by iteration`), loss);
        draw(loss, "losses", losses);
      }
    }
    return section;
  };

  drawer.addEventListener("close", () => writeAddress({ proxy: null }));
  one("#drawer-close").addEventListener("click", () => drawer.close());
  drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });

  // --- two proxies ---

  const chooseCompared = (space, a, b) => {
    const [first, second] = all(".compare select", space);
    if (!first) return;
    first.value = a;
    second.value = b;
    compare(space);
  };

  const compare = async (space) => {
    await load();
    const [a, b] = all(".compare select", space).map((select) => select.value);
    const held = spaceData(space);
    const target = held.targets.find((other) => other.key === shownTarget().dataset.target);
    const [first, second] = [a, b].map((key) => held.series.find((series) => seriesKey(series) === key));
    const result = one(".compare .result", space);
    const names = [a, b].map((key) => { const option = one(`.compare option[value="${CSS.escape(key)}"]`, space); return option ? option.textContent : key; });
    if (!first || !second) return;
    const sentences = [];
    const places = [a, b].map((key) => target.differences.series.findIndex((series) => seriesKey(series) === key));
    if (places.every((place) => place >= 0) && a !== b) {
      const [i, j] = places;
      const low = target.differences.low[i][j];
      const difference = target.differences.rho[i] - target.differences.rho[j];
      if (low !== null) {
        const high = target.differences.high[i][j];
        sentences.push(`On the shared architectures ${names[0]} less ${names[1]} is ${difference.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]: ` + (low > 0 ? `${names[0]} ranks better.` : high < 0 ? `${names[1]} ranks better.` : "they cannot be told apart."));
      }
    }
    if (!sentences.length) sentences.push("These two are not both on the shared architectures: no paired difference.");
    result.textContent = sentences.join(" ");
    const orient = (key) => (data.proxies[key.split(".")[0]].higher_is_better ? 1 : -1);
    const kept = first.scores.map((score, i) => [score, second.scores[i], target.truth[i], i]).filter((values) => values.every((value) => value !== null && value !== undefined));
    const x = ranks(kept.map(([score]) => orient(a) * score));
    const y = ranks(kept.map(([, score]) => orient(b) * score));
    const truth = ranks(kept.map(([, , value]) => (target.higher_is_better ? 1 : -1) * value));
    const points = kept.map(([, , , i], k) => ({ x: x[k], y: y[k], truth: truth[k], id: held.architectures.id[i], spec: held.architectures.spec[i] }));
    one(".compare figure", space).hidden = false;
    draw(one(".compare figure", space), "compare", points, { x: `rank by ${names[0]}`, y: `rank by ${names[1]}` });
    const most = points.slice().sort((p, q) => Math.abs(q.x - q.y) - Math.abs(p.x - p.y)).slice(0, 8);
    const rows = one(".compare tbody", space);
    rows.replaceChildren(...most.map((point) => {
      const row = document.createElement("tr");
      const percent = (value) => `${Math.round(100 * value)} %`;
      row.append(element("th", point.id.slice(0, 8), { scope: "row", title: point.id }), element("td", percent(point.x), { className: "n" }), element("td", percent(point.y), { className: "n" }), element("td", percent(point.truth), { className: "n" }), element("td", point.spec, { className: "wrap" }));
      return row;
    }));
    one(".compare .most", space).hidden = false;
  };

  for (const space of spaces) {
    const selects = all(".compare select", space);
    const target = one("section.target", space);
    if (selects.length !== 2 || !target) continue;
    const rows = rowsOf(target);
    for (const [place, select] of selects.entries()) {
      select.append(...rows.map((row) => new Option(row.label + (row.seed && row.seed !== "0" ? `, seed ${row.seed}` : ""), row.series)));
      select.selectedIndex = Math.min(place, rows.length - 1);
    }
    one(".compare form", space).addEventListener("submit", (event) => {
      event.preventDefault();
      writeAddress({ space: space.id, target: shownTarget().dataset.target, a: selects[0].value, b: selects[1].value });
      compare(space);
    });
  }

  // --- charts with a choice, and intervals in tables ---

  for (const chosen of all("figure[data-chart] select")) {
    const chart = chosen.closest("figure");
    chosen.addEventListener("change", () => load().then(() => painters[chart.dataset.chart](chart)));
  }

  for (const box of all("[data-intervals]")) {
    box.addEventListener("change", () => {
      for (const table of all(".heat", box.closest("section"))) table.classList.toggle("intervals", box.checked || table.matches(".truths.few"));
    });
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const chart of all("figure[data-chart].done")) { chart.classList.remove("done"); observer.observe(chart); }
  });
  addEventListener("hashchange", show);
  if (spaces.length) { showColumns(); show(); }
})();
