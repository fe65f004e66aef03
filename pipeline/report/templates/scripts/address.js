// Drives the page: one space and target at a time, tables that sort and filter, and charts drawn when they come into view.
"use strict";
const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const decimals = (value) => Number(value).toFixed(3).replace(/^-(?=[0.]+$)/, ""); // never "-0.000"
const spaces = all("section.space");
const drawer = one("#drawer");
let data = null; // of #page-data, unpacked when a chart needs it
let state = {};

// --- the address: #space=..&target=..&proxy=..&a=..&b=..&find=..&sort=.. or the id of a section ---

const readAddress = () => {
  const text = location.hash.slice(1); // ids are ASCII, and values are decoded with their names
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
