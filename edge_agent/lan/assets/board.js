// The board: the newest question with its bars, who is missing, and the form for the next one.

import { at, element, everySecond, listen, say, send, showLesson } from "./listening.js";

const LETTERS = "ABCDEF";
let board = null;
let lesson = null;

function draw() {
  const asked = board.question !== null;
  const open = asked && board.closed_at_ms === null;
  at("none").hidden = asked;
  at("asked").hidden = !asked;
  at("foot").hidden = !asked;
  at("close").hidden = !open;
  if (!asked) return;
  at("ask").textContent = board.prompt || say("no_prompt");
  at("ask").classList.toggle("silent", !board.prompt);
  drawBars(open);
  at("other").hidden = board.other === 0;
  at("other").textContent = say("other", { n: board.other });
  const counted = board.total === null ? "answered_only" : "answered";
  const said = [say(counted, { m: board.answered, n: board.total })];
  if (!open) said.push(say("closed"));
  at("answered").textContent = said.join(" · ");
  at("right").textContent = open || board.correct === null ? "" : say("right", { n: board.correct });
  at("missing").hidden = board.missing.length === 0;
  at("everybody").hidden = board.total === null || board.missing.length > 0 || board.total === 0;
  at("who").replaceChildren(...board.missing.map((one) => element("li", "", String(one.number ?? one.person))));
}

function drawBars(open) {
  const list = at("bars");
  if (list.dataset.question !== board.question || list.children.length !== board.options.length) {
    list.dataset.question = board.question;
    list.replaceChildren(...board.options.map(newBar));
  }
  const most = Math.max(1, board.total ?? board.answered);
  board.options.forEach((option, place) => {
    const item = list.children[place];
    const right = !open && option.letter === board.correct_option; // told only once nobody can copy it
    item.className = right ? "right" : "";
    item.querySelector(".text").textContent = option.text;
    item.querySelector(".fill").style.width = `${(100 * option.count) / most}%`;
    item.querySelector(".count").textContent = String(option.count);
  });
}

function newBar(option) {
  const item = element("li");
  const track = element("span", "track");
  const text = element("span", "text");
  text.dataset.right = say("right_option");
  track.append(element("span", "fill"), text);
  item.append(element("span", "letter", option.letter), track, element("span", "count"));
  return item;
}

function setOptions(number) {
  const box = at("options");
  while (box.children.length > number) box.lastChild.remove();
  while (box.children.length < number) {
    const letter = LETTERS[box.children.length];
    const label = element("label", "", say("option", { letter }));
    const input = element("input");
    input.maxLength = 120;
    label.append(input);
    box.append(label);
  }
  const chosen = at("correct").value;
  const choices = [["", say("correct_none")], ...[...LETTERS.slice(0, number)].map((letter) => [letter, letter])];
  at("correct").replaceChildren(
    ...choices.map(([value, text]) => {
      const option = element("option", "", text);
      option.value = value;
      return option;
    }),
  );
  at("correct").value = choices.some(([value]) => value === chosen) ? chosen : "";
  at("more").disabled = number >= LETTERS.length;
  at("fewer").disabled = number <= 2;
}

function ask() {
  at("form").querySelector("form").reset();
  at("form-fault").textContent = "";
  setOptions(4);
  at("form").showModal();
  at("prompt").focus();
}

async function start(event) {
  event.preventDefault();
  at("start").disabled = true;
  const options = [...at("options").querySelectorAll("input")].map((input) => input.value.trim());
  const correct = at("correct").value || null;
  const done = await send("POST", "questions", { prompt: at("prompt").value.trim(), options, correct });
  at("start").disabled = false;
  at("form-fault").textContent = done ? "" : at("fault").textContent; // the page behind the form is dimmed
  if (done) at("form").close();
}

const close = () => send("POST", `questions/${encodeURIComponent(board.question)}/close`);
at("new").addEventListener("click", ask);
at("close").addEventListener("click", close);
at("cancel").addEventListener("click", () => at("form").close());
at("more").addEventListener("click", () => setOptions(at("options").children.length + 1));
at("fewer").addEventListener("click", () => setOptions(at("options").children.length - 1));
at("form").querySelector("form").addEventListener("submit", start);
at("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    at("form").querySelector("form").requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  if (at("form").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "n") {
    event.preventDefault();
    ask();
  } else if (key === "c" && board?.question && board.closed_at_ms === null) {
    close();
  }
});

listen({
  board: (body) => { board = body; draw(); },
  class: (body) => { lesson = body; showLesson(lesson); },
});
everySecond(() => { if (lesson) showLesson(lesson); });
