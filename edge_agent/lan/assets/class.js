// The class page: seats from the stream, five facts of the one that is picked, the lease with its countdown.

import { at, countdown, duration, element, everySecond, listen, now, say, send, showLesson } from "./listening.js";

let state = null;
let picked = null;

const label = (seat) => (seat.number === null ? seat.person : String(seat.number));
const age = (ms) => duration(now() - ms);

function draw() {
  showLesson(state);
  drawBanner();
  drawSeats();
  drawFacts();
  drawLease();
}

function drawBanner() {
  const { not_safe: unsafe, not_known: unknown, seats } = state;
  const banner = at("banner");
  banner.className = unsafe ? "bad" : unknown || !seats.length ? "unknown" : "good";
  const more = unknown ? say("not_known", { n: unknown }) : "";
  const first = unsafe ? say(unsafe === 1 ? "not_safe_one" : "not_safe", { n: unsafe }) : more || say("all_safe");
  at("banner-text").textContent = seats.length ? first : say("nobody");
  at("banner-more").textContent = unsafe ? more : "";
}

function drawSeats() {
  const list = at("seats");
  const placed = state.seats.length > 0 && state.seats.every((seat) => seat.row !== null && seat.column !== null);
  const rows = Math.max(0, ...state.seats.map((seat) => seat.row ?? 0));
  at("nobody").hidden = state.seats.length > 0;
  at("desk").hidden = !placed;
  list.style.setProperty("--rows", String(rows || 6)); // all rows are in sight without scrolling
  list.style.gridTemplateColumns = placed ? "" : "repeat(auto-fill, minmax(6.2rem, 1fr))";
  const known = new Map([...list.children].map((item) => [item.dataset.person, item]));
  for (const seat of state.seats) {
    const item = known.get(seat.person) ?? newSeat(seat.person);
    known.delete(seat.person);
    item.className = seat.mark;
    item.style.gridRow = placed ? String(rows + 1 - seat.row) : ""; // the teacher's desk is below
    item.style.gridColumn = placed ? String(seat.column) : "";
    const button = item.firstChild;
    button.setAttribute("aria-pressed", String(seat.person === picked));
    button.title = say(`say_${seat.cause}`);
    const [number, , word] = button.children;
    number.textContent = label(seat);
    word.textContent = say(`short_${seat.cause}`);
    if (item.parentNode !== list) list.append(item);
  }
  for (const gone of known.values()) gone.remove();
}

function newSeat(person) {
  const item = element("li");
  item.dataset.person = person;
  const button = element("button");
  button.type = "button";
  button.append(element("span", "number"), shape(), element("span", "word"));
  button.addEventListener("click", () => {
    picked = person;
    draw();
  });
  item.append(button);
  return item;
}

function drawFacts() {
  const seat = state.seats.find((one) => one.person === picked);
  at("pick").hidden = Boolean(seat);
  at("seat").hidden = !seat;
  if (!seat) return;
  const title = [seat.number === null ? seat.person : say("number", { n: seat.number })];
  if (seat.terminal) title.push(say("terminal", { terminal: seat.terminal }));
  if (seat.attendance) title.push(say(`attendance_${seat.attendance}`));
  at("seat-title").textContent = title.join(" · ");
  at("seat-say").textContent = say(`say_${seat.cause}`);
  at("seat-facts").replaceChildren(
    fact("reachable", seat.reachable, reachable(seat.reachable)),
    fact("content", seat.content, content(seat.content)),
    fact("work", seat.work, work(seat.work)),
    fact("software", seat.software, software(seat.software)),
    fact("power", seat.power, power(seat.power)),
  );
  at("seat-proof").textContent =
    seat.proved_at_ms === null ? say("no_proof") : say("proof", { age: age(seat.proved_at_ms) });
}

/** Colour and shape for the eye; the word beside it is for every reader. */
function shape() {
  const made = element("i", "shape");
  made.setAttribute("aria-hidden", "true");
  return made;
}

function fact(name, { mark }, text) {
  const row = element("div", mark);
  const term = element("dt");
  term.append(shape(), say(name));
  row.append(term, element("dd", "", text));
  return row;
}

function reachable(it) {
  if (it.seen_at_ms === null) return say("never");
  return say(it.mark === "bad" ? "silent" : "seen", { age: age(it.seen_at_ms) });
}

function content(it) {
  if (it.mark === "unasked") return say("unasked");
  if (it.mark === "good") return say("complete");
  if (it.missing_bytes !== null) return say("missing", { mb: (it.missing_bytes / 1e6).toFixed(1) });
  return say(it.mark === "unknown" ? "unknown" : "missing_some");
}

function work(it) {
  if (it.unsent === null) return say("unknown");
  if (it.unsent === 0) return it.mark === "good" ? say("nothing_unsent") : say("unknown");
  if (it.oldest_unsent_at_ms === null) return say("unsent", { n: it.unsent });
  return say("unsent_since", { n: it.unsent, age: age(it.oldest_unsent_at_ms) });
}

function software(it) {
  const parts = [];
  if (it.app === "attention") parts.push(say("wrong_version", { version: it.app_version, wanted: it.wanted_version }));
  if (it.app === "good") parts.push(say("right_version", { version: it.app_version }));
  if (it.configuration === "attention") parts.push(say("settings_wrong"));
  if (it.roster === "attention") parts.push(say("roster_wrong"));
  if (it.mark === "unknown") parts.push(say("unknown"));
  if (it.mark === "unasked") parts.push(say("unasked"));
  return parts.length ? parts.join(", ") : say("as_wanted");
}

function power(it) {
  const parts = [];
  if (it.battery_ratio !== null) parts.push(say("battery", { percent: Math.round(it.battery_ratio * 100) }));
  if (it.charging) parts.push(say("charging"));
  if (it.storage_free_bytes !== null) parts.push(say("free", { gb: (it.storage_free_bytes / 1e9).toFixed(1) }));
  return parts.length ? parts.join(", ") : say("unknown");
}

function drawLease() {
  const lease = state.lease;
  const left = lease ? lease.ends_at_ms - now() : 0;
  at("lease-free").hidden = left > 0;
  at("lease-held").hidden = left <= 0;
  if (left > 0) {
    at("lease-kind").textContent = say(`in_force_${lease.kind}`);
    at("lease-left").textContent = countdown(left);
  }
  at("open-lesson").hidden = state.lesson !== null;
  at("close-lesson").hidden = !state.lesson?.opened_here;
}

const hold = (kind) => send("POST", "lease", { kind, seconds: Number(at("minutes").value) * 60 });
at("lock").addEventListener("click", () => hold("lock"));
at("attention").addEventListener("click", () => hold("attention"));
at("renew").addEventListener("click", () => hold(state.lease.kind));
at("release").addEventListener("click", () => send("DELETE", "lease"));
at("open-lesson").addEventListener("click", () => send("POST", "lesson", {}));
at("close-lesson").addEventListener("click", () => send("DELETE", "lesson"));

// Arrow keys walk the seats as they lie on the screen.
at("seats").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!step) return;
  event.preventDefault();
  const middle = (one) => {
    const { left, top, width, height } = one.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  const [x, y] = middle(event.target);
  let best = null;
  for (const one of at("seats").querySelectorAll("button")) {
    const [dx, dy] = middle(one).map((value, axis) => value - [x, y][axis]);
    const along = dx * step[0] + dy * step[1];
    const beside = Math.abs(dx * step[1]) + Math.abs(dy * step[0]);
    if (along > 1 && (best === null || along + 4 * beside < best.cost)) best = { one, cost: along + 4 * beside };
  }
  best?.one.focus();
});

listen({ class: (body) => { state = body; draw(); } });
everySecond(() => {
  if (!state) return;
  showLesson(state);
  drawFacts();
  drawLease();
});
