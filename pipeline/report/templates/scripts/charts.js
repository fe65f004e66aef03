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
    .filter((row) => row.shared && !row.few && numeric(row.seconds) && row.kind !== "released" && row.label !== "random") // its cost would stretch the axis
    .map((row) => ({
      name: row.label, kind: row.kind, rho: Number(row.rho), low: numeric(row.low), high: numeric(row.high),
      seconds: Number(row.seconds), interval: row.low ? `[${decimals(row.low)}, ${decimals(row.high)}]` : "–",
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
