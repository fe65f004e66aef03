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
      sentences.push(`On the shared architectures the rho of ${names[0]} minus that of ${names[1]} is ${decimals(difference)} [${decimals(low)}, ${decimals(high)}]: ` + (low > 0 ? `${names[0]} ranks better.` : high < 0 ? `${names[1]} ranks better.` : "they cannot be told apart."));
    }
  }
  if (!sentences.length) sentences.push("There is no paired difference: one of the two is not compared on the shared architectures.");
  result.textContent = sentences.join(" ");
  const orient = (key) => (data.proxies[key.split(".")[0]].higher_is_better ? 1 : -1);
  const kept = first.scores.map((score, i) => [score, second.scores[i], target.truth[i], i]).filter((values) => values.every((value) => value !== null && value !== undefined));
  const x = ranks(kept.map(([score]) => orient(a) * score));
  const y = ranks(kept.map(([, score]) => orient(b) * score));
  const truth = ranks(kept.map(([, , value]) => (target.higher_is_better ? 1 : -1) * value));
  const points = kept.map(([, , , i], k) => ({ x: x[k], y: y[k], truth: truth[k], id: held.architectures.id[i], spec: held.architectures.spec[i] }));
  one(".compare figure", space).hidden = false;
  draw(one(".compare figure", space), "compare", points, { x: `rank by ${names[0]}, best at 100 %`, y: `rank by ${names[1]}, best at 100 %` });
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
