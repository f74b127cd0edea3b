// Keeps an open page up to date. Decides nothing: every form works without it.
"use strict";

const board = document.body.dataset.live === "board";
// What is about to be signed stays as it was opened.
const still = document.body.dataset.live === "still";
const shown = document.getElementById("live");
const count = document.getElementById("waiting");
const waiting = new Set();
const title = document.title;
// The server's clock minus ours, in milliseconds.
let ahead = 0;
// When something last moved under the reader's finger.
let moved = -Infinity;
// Whether what happens reaches this page. While it does not, no countdown is to be trusted.
let connected = true;

for (const card of document.querySelectorAll(".card[data-state=pending]")) note(card.dataset);

function note({ id, tier, state }) {
  if (state === "pending" && tier !== "fyi") waiting.add(id);
  else waiting.delete(id);
  count.hidden = waiting.size === 0;
  count.textContent = waiting.size;
  document.title = waiting.size ? `(${waiting.size}) ${title}` : title;
}

function say(text, state) {
  shown.hidden = false;
  if (shown.textContent !== text) shown.textContent = text;
  shown.className = `live ${state}`;
}

function listen() {
  const events = new EventSource("/inbox/events");
  events.addEventListener("ready", () => {
    connected = true;
    say(shown.dataset.listens === "true" ? "Connected: you are listening" : "Connected", "on");
  });
  events.addEventListener("message", (event) => take(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    connected = false;
    say("Not connected: what agents do next does not reach you here", "off");
    // Refused for good: the session is over.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 2000);
  });
  addEventListener("pagehide", () => events.close());
}

function take(told) {
  note(told);
  if (still) return;
  const fresh = parsed(told.card);
  ahead = Date.parse(fresh.dataset.now) - Date.now();
  const old = document.getElementById(fresh.id);
  if (old) return replace(old, fresh);
  if (!board) return;
  const list = document.querySelector(`[data-list="${told.tier}"] .cards`);
  // What had ended before this page was opened is history's.
  if (!list || (told.state !== "pending" && told.word !== "noted")) return;
  fresh.classList.add("fresh");
  if (told.tier === "fyi") list.prepend(fresh);
  else list.append(fresh);
  moved = performance.now();
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// Puts the new card in the old one's place, and what somebody was writing back into it.
function replace(old, fresh) {
  // A page of one escalation shows all of it; a card from the stream is shortened.
  if (!board) {
    if (old.dataset.state !== fresh.dataset.state) location.reload();
    else clock(old, fresh);
    return;
  }
  const same = digest(old) === digest(fresh);
  const writing = old.contains(document.activeElement) ? place(document.activeElement) : null;
  for (const field of old.querySelectorAll("textarea, input:not([type=hidden])")) {
    const twin = [...fresh.querySelectorAll(`[name="${CSS.escape(field.name)}"]`)]
      .find((other) => other.type === field.type && (field.type !== "radio" || other.value === field.value));
    if (!twin) continue;
    // A choice counts for what it was made on, and for nothing else.
    if (field.type === "radio") twin.checked = same && field.checked;
    else twin.value = field.value;
  }
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, index) => { details.open = open[index] ?? false; });
  const height = old.offsetHeight;
  const list = document.querySelector(`[data-list="${fresh.dataset.tier}"] .cards`);
  if (list && fresh.dataset.tier !== old.dataset.tier && fresh.dataset.state === "pending") {
    old.remove();
    list.append(fresh);
    moved = performance.now();
  } else {
    old.replaceWith(fresh);
    if (fresh.offsetHeight !== height) moved = performance.now();
  }
  if (writing) find(fresh, writing)?.focus();
}

function clock(old, fresh) {
  const [was, is] = [old.querySelector(".window"), fresh.querySelector(".window")];
  if (was && is) was.replaceWith(is);
  const [said, says] = [old.querySelector(".reason"), fresh.querySelector(".reason")];
  if (said && says) said.replaceWith(says);
}

function digest(card) {
  return card.querySelector("[name=digest]")?.value;
}

function place(field) {
  return { name: field.name, value: field.type === "radio" ? field.value : null };
}

function find(card, { name, value }) {
  return [...card.querySelectorAll("textarea, input, button")]
    .find((field) => field.name === name && (value === null || field.value === value));
}

function length(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  if (s < 60) return `${s} s`;
  if (s < 600 && s % 60) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return s % 3600 < 60 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d`;
}

function tick() {
  const now = Date.now() + ahead;
  for (const window of connected ? document.querySelectorAll("[data-until]") : []) {
    const left = (Date.parse(window.dataset.until) - now) / 1000;
    window.querySelector(".left").textContent = length(left);
    window.querySelector("progress").value = window.dataset.window - Math.max(0, left);
  }
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const ago = (now - Date.parse(time.dateTime)) / 1000;
    const text = `${length(Math.floor(Math.max(0, ago)))} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
}

// Nobody presses a button on purpose within moments of its getting there.
addEventListener("submit", (event) => {
  if (event.target.matches(".gesture") && performance.now() - moved < 400) {
    event.preventDefault();
    say("The page moved just as you pressed: nothing was sent, press again", "on");
  }
});

// A page from the browser's memory may be long out of date.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const first = document.querySelector(".card[data-now]");
if (first) ahead = Date.parse(first.dataset.now) - Date.now();
tick();
setInterval(tick, 1000);
listen();
