// Shows a pair, waits until it may be voted on, sends the vote, shows the next. Everything that
// matters is kept by the server, so the page may be reloaded or closed at any moment.
"use strict";

const $ = (id) => document.getElementById(id);
const KEYS = { ArrowLeft: "a", ArrowRight: "b", ArrowDown: "tie", ArrowUp: "bad",
               1: "a", 2: "b", 3: "tie", 4: "bad" };
const buttons = [...document.querySelectorAll("[data-choice]")];

let pair = null;
let open = false; // whether the pair may be voted on
let reasons = new Set();

async function ask(path, body) {
  const answer = await fetch(path, body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  return { status: answer.status, ...(await answer.json()) };
}

function say(text) { $("notice").textContent = text; }

function setOpen(now) {
  open = now;
  for (const button of buttons) button.disabled = !now;
}

function show(name, visible) { $(name).hidden = !visible; }

async function load(image, url) {
  image.src = url;
  await image.decode();
}

async function next() {
  setOpen(false);
  const told = await ask("pair");
  if (told.status === 401) return enter();
  if (told.status !== 200) throw new Error(told.error);
  $("progress").textContent = told.done === 1 ? "1 vote" : `${told.done} votes`;
  for (const name of ["pair", "choices", "reasons"]) show(name, !told.finished);
  if (told.finished) {
    pair = null;
    $("prompt").textContent = "You have seen every pair. Thank you.";
    return;
  }
  pair = told;
  $("prompt").textContent = told.prompt;
  tag(told.reasons);
  await Promise.all([load($("a"), told.a), load($("b"), told.b)]);
  await new Promise((done) => setTimeout(done, told.minimum * 1000));
  if (pair === told) setOpen(true);
}

async function enter() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key") ?? $("key").value;
  const told = await ask("join", { key });
  show("door", told.status === 403);
  if (told.status === 403) {
    history.replaceState(null, "", location.pathname);
    if (key) say("That is not the key.");
    $("key").value = "";
    return;
  }
  if (told.status !== 200) throw new Error(told.error);
  history.replaceState(null, "", location.pathname);
  say("");
  await next();
}

// Reasons that are chosen but not sent yet outlive a reload.
function tag(names) {
  const kept = JSON.parse(sessionStorage.getItem("reasons") ?? "{}");
  reasons = new Set(kept.pair === pair.pair ? kept.reasons : []);
  const row = $("reasons");
  row.replaceChildren(row.firstElementChild);
  for (const name of names) {
    const button = document.createElement("button");
    button.textContent = name;
    button.setAttribute("aria-pressed", reasons.has(name));
    button.addEventListener("click", () => {
      if (!reasons.delete(name)) reasons.add(name);
      button.setAttribute("aria-pressed", reasons.has(name));
      button.blur();
      sessionStorage.setItem("reasons",
        JSON.stringify({ pair: pair.pair, reasons: [...reasons] }));
    });
    row.append(button);
  }
}

async function vote(choice) {
  if (!open) return;
  setOpen(false);
  const told = await ask("vote", { pair: pair.pair, choice, reasons: [...reasons] });
  if (told.status !== 200) throw new Error(told.error);
  say("");
  await next();
}

// What was lost on the way is asked for again: the server counts a vote on a pair once.
function attempt(action) {
  action().catch((error) => {
    say(`${error.message || "The arena does not answer."} Trying again.`);
    setTimeout(() => attempt(next), 2000);
  });
}

for (const button of buttons) {
  button.addEventListener("click", () => attempt(() => vote(button.dataset.choice)));
}
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.tagName === "INPUT" || !(event.key in KEYS)) return;
  event.preventDefault();
  attempt(() => vote(KEYS[event.key]));
});
$("door").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(enter);
});
attempt(next);
