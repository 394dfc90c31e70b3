"use strict";
// Keeps a page up to date, and follows sorting, filtering and paging without loading it anew. Both
// fetch a page of this server and put in what differs; parts are told apart by their ids.

(() => {
  const INTERVAL = 2000;
  const main = document.getElementById("main");
  const badge = document.getElementById("live");
  const shown = new Map(); // what the server last sent of each live part
  let busy = false;

  const figureOf = (chart) => chart.querySelector('script[type="application/json"]').textContent.trim();

  function settle(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (!Number.isNaN(date.valueOf())) {
        time.textContent = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
      }
    }
    for (const log of root.querySelectorAll("[data-follow]")) log.scrollTop = log.scrollHeight;
  }

  // Replaces the inside of a live part; focus, scrolling and what is unfolded stay.
  function replace(part, html) {
    if (shown.get(part.id) === html) return;
    shown.set(part.id, html);
    const scrolls = [part, ...part.querySelectorAll("[id]")]
      .filter((e) => e.scrollLeft || e.scrollTop).map((e) => [e.id, e.scrollLeft, e.scrollTop]);
    const atEnd = part.scrollTop + part.clientHeight >= part.scrollHeight - 4;
    const open = [...part.querySelectorAll("details[open][id]")].map((e) => e.id);
    const active = part.contains(document.activeElement) ? document.activeElement : null;
    const place = active && [...part.querySelectorAll("a, button, input, select, [tabindex]")].indexOf(active);
    part.innerHTML = html;
    settle(part);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, left, top] of scrolls) document.getElementById(id)?.scrollTo(left, top);
    if (part.hasAttribute("data-follow") && atEnd) part.scrollTop = part.scrollHeight;
    if (active) part.querySelectorAll("a, button, input, select, [tabindex]")[place]?.focus({ preventScroll: true });
  }

  function updateGrid(grid, fresh) {
    const keep = new Set([...fresh.children].map((child) => child.id));
    for (const child of [...grid.children]) if (!keep.has(child.id)) child.remove();
    for (const child of [...fresh.children]) {
      const own = document.getElementById(child.id);
      if (!own) adopt(child);
      grid.append(own ?? child);
    }
  }

  function adopt(root) {
    for (const part of root.querySelectorAll("[data-live]")) shown.set(part.id, part.innerHTML);
    root.querySelectorAll(".chart").forEach(Figures.adopt);
    settle(root);
  }

  function put(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.getElementById("main");
    for (const part of fresh.querySelectorAll("[data-live]")) {
      const own = document.getElementById(part.id);
      if (own) replace(own, part.innerHTML);
    }
    for (const chart of fresh.querySelectorAll(".chart")) {
      const own = document.getElementById(chart.id);
      if (own) Figures.update(own, figureOf(chart));
    }
    for (const grid of fresh.querySelectorAll("[data-charts]")) {
      const own = document.getElementById(grid.id);
      if (own) updateGrid(own, grid);
    }
    document.title = page.title;
    document.body.toggleAttribute("data-active", page.body.hasAttribute("data-active"));
    badge.hidden = !page.body.hasAttribute("data-active");
    badge.textContent = "live";
  }

  function tell(trouble) {
    badge.hidden = false;
    badge.textContent = trouble;
  }

  async function load(url) {
    busy = true;
    try {
      const reply = await fetch(url, { headers: { Accept: "text/html" } });
      if (reply.status === 401) return tell("your login has ended: load this page again");
      if (!reply.ok) throw new Error(reply.statusText);
      const text = await reply.text();
      // The user may have gone on to another view in the meantime.
      if (url === location.href) put(text);
    } catch {
      tell("the server does not answer");
    } finally {
      busy = false;
    }
  }

  function go(url) {
    history.pushState(null, "", url);
    load(location.href);
  }

  // A page that takes long is asked for less often.
  async function follow() {
    const began = performance.now();
    if (document.body.hasAttribute("data-active") && !document.hidden && !busy) await load(location.href);
    setTimeout(follow, Math.max(INTERVAL, 4 * (performance.now() - began)));
  }
  setTimeout(follow, INTERVAL);
  window.addEventListener("popstate", () => load(location.href));

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      go(link.href);
    }
    const copy = event.target.closest("button[data-copy]");
    if (copy) {
      navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent).then(
        () => { copy.textContent = "Copied"; }, () => { copy.textContent = "Select and copy"; });
    }
  });

  function apply(form) {
    go(`${location.pathname}?${new URLSearchParams(new FormData(form))}`);
  }
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[data-swap]") && !event.submitter?.hasAttribute("formaction")) {
      event.preventDefault();
      apply(event.target);
    }
  });
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form?.matches("[data-auto]") || event.target.matches(".filter select")) apply(form);
  });

  adopt(main);
})();
