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
