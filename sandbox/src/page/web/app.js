// Starts the page: users, the stream of events, what is shown when the stream breaks.

import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { showEvents } from "./events.js";
import { Panel } from "./panel.js";
import { Promo } from "./promo.js";
import { Tabs } from "./tabs.js";
import { language, say, switchLanguage, words } from "./words.js";

const $ = (id) => document.getElementById(id);

/** POSTs or PUTs JSON; a failure is said in a toast and thrown. */
export async function send(method, path, body) {
  const form = body instanceof FormData;
  const options = form ? { method, body } : { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    toast(words.offline);
    throw new Error("offline");
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const { error } = await response.json().catch(() => ({}));
  toast(`${words.failed}: ${words.errors[error] ?? error ?? response.status}`);
  throw new Error(error);
}

let toastTimer;
export function toast(text) {
  const node = $("toast");
  node.textContent = text;
  node.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { node.hidden = true; }, 4500);
}

const state = { users: [], user: null, source: null };
const chat = new Chat(
  (id, data) => send("POST", `/api/users/${state.user}/press`, { message_id: id, data }),
  (id) => send("POST", `/api/users/${state.user}/invoice`, { message_id: id }),
);
const composer = new Composer((path, body) => send("POST", `/api/users/${state.user}/${path}`, body));
const panel = new Panel({
  post: (path, body) => send("POST", `/api/users/${state.user}/${path}`, body),
  put: (path, body) => send("PUT", `/api/users/${state.user}/${path}`, body),
  faults: (body) => send("PUT", "/api/faults", body),
});

async function loadUsers() {
  const response = await fetch("/api/users");
  const { users, faults } = await response.json();
  panel.setFaults(faults);
  state.users = users ?? [];
  if (users === null) {
    showRealTelegram();
    return;
  }
  if (!state.users.some((user) => user.id === state.user)) {
    const kept = Number(localStorage.getItem("user"));
    state.user = (state.users.find((user) => user.id === kept) ?? state.users[0])?.id ?? null;
  }
  drawUsers();
}

function drawUsers() {
  $("people").replaceChildren(...state.users.map((user) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-current", String(user.id === state.user));
    button.setAttribute("aria-label", user.first_name);
    const avatar = document.createElement("span");
    avatar.className = "avatar";
    avatar.setAttribute("aria-hidden", "true");
    avatar.style.setProperty("--hue", String((user.id * 67) % 360));
    avatar.textContent = [...user.first_name][0].toUpperCase();
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = user.first_name;
    const tongue = document.createElement("small");
    tongue.textContent = user.language_code;
    name.append(tongue);
    button.append(avatar, name);
    button.addEventListener("click", () => select(user.id));
    item.append(button);
    return item;
  }));
}

function select(id) {
  if (id === state.user && state.source) return;
  state.user = id;
  localStorage.setItem("user", String(id));
  drawUsers();
  chat.clear();
  panel.clear();
  composer.clear();
  watch();
}

/** The real bot's chat is elsewhere; money is shown for the Telegram id in the address (#id) or typed in. */
function showRealTelegram() {
  document.body.classList.add("real");
  $("add-person").hidden = true;
  document.querySelector(".people .hint").hidden = true;
  $("real-id-field").hidden = false;
  chat.note(words.real);
  const show = (text) => {
    const id = Number(text);
    if (!Number.isSafeInteger(id) || id <= 0) return;
    $("real-id").value = text;
    location.hash = text;
    state.user = id;
    panel.clear();
    watch();
  };
  $("real-id").addEventListener("change", ({ target }) => show(target.value.trim()));
  show(location.hash.slice(1));
}

function watch() {
  state.source?.close();
  if (state.user === null) return;
  const source = new EventSource(`/api/events?user=${state.user}`);
  state.source = source;
  source.addEventListener("open", () => { $("offline").hidden = true; });
  source.addEventListener("error", () => { $("offline").hidden = false; });
  source.addEventListener("chat", (event) => {
    const shown = JSON.parse(event.data);
    if (shown.real) return;
    chat.show(shown);
    composer.show(shown);
    panel.setBlocked(shown.blocked);
  });
  source.addEventListener("money", (event) => panel.show(JSON.parse(event.data)));
  source.addEventListener("events", (event) => showEvents(JSON.parse(event.data)));
  source.addEventListener("faults", (event) => panel.setFaults(JSON.parse(event.data)));
}

function wire() {
  say();
  $("language").textContent = words.language_button;
  $("language").lang = language === "ru" ? "en" : "ru";
  $("language").addEventListener("click", switchLanguage);
  new Tabs($("tabs"));
  new Promo();
  const view = (name) => { document.body.dataset.view = name; };
  $("to-panel").addEventListener("click", () => { view("panel"); $("to-chat").focus(); });
  $("to-chat").addEventListener("click", () => { view("chat"); $("to-panel").focus(); });
  const dialog = $("new-person");
  $("add-person").addEventListener("click", () => { $("new-language").value = language; dialog.showModal(); });
  $("cancel-person").addEventListener("click", () => dialog.close());
  $("new-person-form").addEventListener("submit", async () => {
    const name = $("new-name").value;
    $("new-name").value = "";
    const { id } = await send("POST", "/api/users", { name, language: $("new-language").value });
    await loadUsers();
    select(id);
  });
}

wire();
for (;;) {
  try {
    await loadUsers();
    $("offline").hidden = true;
    break;
  } catch {
    $("offline").hidden = false;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
watch();
