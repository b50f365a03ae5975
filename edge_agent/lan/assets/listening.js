// What both pages do: words, the agent's clock, the stream with its age, and requests with their refusals.

const QUIET_MS = 12000; // the agent says the time every five seconds
const words = JSON.parse(document.getElementById("words").textContent);
const api = `/v1/classes/${encodeURIComponent(document.body.dataset.class)}`;
export const chinese = document.documentElement.lang === "zh-CN";
export const at = (id) => document.getElementById(id);

let ahead = Date.now() - performance.now(); // the agent's clock minus this page's, in milliseconds
let heardAt = performance.now();
let everHeard = false;

export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The agent's clock now. */
export const now = () => performance.now() + ahead;

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return say("seconds", { n: seconds });
  if (seconds < 7200) return say("minutes", { n: Math.round(seconds / 60) });
  return say("hours", { n: Math.round(seconds / 3600) });
}

/** Minutes and seconds, as on a watch. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function showLesson(state) {
  const lesson = state.lesson;
  const parts = [];
  if (lesson) {
    if (lesson.topic) parts.push(lesson.topic);
    if (lesson.period) parts.push(say("period", { n: lesson.period }));
    if (lesson.opened_here) parts.push(say("opened_here"));
    parts.push(say("lesson_left", { left: duration(lesson.ends_at_ms - now()) }));
  } else {
    parts.push(say("no_lesson"));
    if (state.next) {
      const time = new Date(state.next.starts_at_ms).toLocaleTimeString(chinese ? "zh-CN" : "en-GB", {
        hour: "2-digit", minute: "2-digit",
      });
      parts.push(say("lesson_next", { topic: state.next.topic, time }));
    }
  }
  at("lesson").textContent = parts.join(" · ");
}

/** Listen to the class for ever; `handlers` take the bodies of the events by name. */
export function listen(handlers) {
  const source = new EventSource(`${api}/stream`);
  const heard = (body) => {
    heardAt = performance.now();
    everHeard = true;
    ahead = body.at_ms - heardAt;
    line("live");
  };
  for (const name of ["class", "board", "time"]) {
    source.addEventListener(name, (event) => {
      const body = JSON.parse(event.data);
      heard(body);
      handlers[name]?.(body);
    });
  }
  source.onerror = () => {
    if (everHeard) line("stale");
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    source.close();
    setTimeout(() => again(handlers), 3000);
  };
}

/** The agent refused the stream: find out why before asking again. */
async function again(handlers) {
  try {
    const answer = await fetch(api);
    if (answer.status === 401) return location.assign(`/teacher?next=${encodeURIComponent(location.pathname + location.search)}`);
    if (answer.status === 404) fault(say("gone"));
  } catch {
    line("stale");
  }
  listen(handlers);
}

function line(state) {
  at("line").dataset.state = state;
  at("line").textContent = say(state === "live" ? "live" : "connecting");
  const stale = state === "stale";
  at("stale").hidden = !stale;
  if (stale) at("stale").textContent = say("stale", { age: duration(performance.now() - heardAt) });
}

function fault(text) {
  at("fault").hidden = !text;
  at("fault").textContent = text;
}

/** Ask the agent for something; returns whether it was done, and shows why when it was not. */
export async function send(method, path, body) {
  try {
    const answer = await fetch(`${api}/${path}`, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.ok) {
      fault("");
      return true;
    }
    if (answer.status === 401) location.assign(`/teacher?next=${encodeURIComponent(location.pathname + location.search)}`);
    fault(say("failed", { detail: (await answer.json()).detail }));
  } catch {
    fault(say("failed", { detail: say("unreachable") }));
  }
  return false;
}

/** Call `tick` every second, and say when the stream has gone quiet. */
export function everySecond(tick) {
  setInterval(() => {
    if (everHeard && performance.now() - heardAt > QUIET_MS) line("stale");
    else if (at("line").dataset.state === "stale") line("stale");
    tick();
  }, 1000);
}
