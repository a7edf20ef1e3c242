// The line below the chat: text, photos, the bot's commands; «Start» for a new chat, «Unblock» for a blocked bot.

import { toast } from "./app.js";
import { words } from "./words.js";

const $ = (id) => document.getElementById(id);
const MOST_PICTURES = 10;

export class Composer {
  #post;
  #files = [];
  #urls = [];

  constructor(post) {
    this.#post = post;
    const message = $("message");
    message.addEventListener("input", () => this.#grow());
    message.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        $("composer").requestSubmit();
      }
    });
    message.addEventListener("paste", (event) => this.#add(event.clipboardData?.files));
    const chat = document.querySelector(".chat");
    chat.addEventListener("dragover", (event) => event.preventDefault());
    chat.addEventListener("drop", (event) => { event.preventDefault(); this.#add(event.dataTransfer?.files); });
    $("files").addEventListener("change", (event) => { this.#add(event.target.files); event.target.value = ""; });
    $("composer").addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    $("start").addEventListener("click", () => this.#post("text", { text: "/start" }));
    $("menu").addEventListener("click", () => this.#toggleMenu());
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.#toggleMenu(false); });
    document.addEventListener("click", (event) => {
      if (!event.target.closest("#menu, #commands")) this.#toggleMenu(false);
    });
  }

  clear() {
    $("message").value = "";
    this.#take();
    this.#grow();
    this.#toggleMenu(false);
  }

  show(chat) {
    const fresh = chat.messages.length === 0;
    const start = $("start");
    start.hidden = !fresh && !chat.blocked;
    start.textContent = chat.blocked ? words.unblock : words.start;
    $("composer").hidden = fresh || chat.blocked;
    const content = JSON.stringify(chat.commands);
    const list = $("commands");
    $("menu").hidden = chat.commands.length === 0;
    if (list.dataset.content === content) return;
    list.dataset.content = content;
    list.replaceChildren(...chat.commands.map(({ command, description }) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const name = document.createElement("b");
      name.textContent = `/${command}`;
      button.append(name, ` ${description}`);
      button.addEventListener("click", () => {
        this.#toggleMenu(false);
        this.#post("text", { text: `/${command}` });
        $("message").focus();
      });
      item.append(button);
      return item;
    }));
  }

  #toggleMenu(open = $("commands").hidden) {
    $("commands").hidden = !open;
    $("menu").setAttribute("aria-expanded", String(open));
    if (open) $("commands").querySelector("button")?.focus();
  }

  #grow() {
    const message = $("message");
    message.style.height = "auto";
    const borders = message.offsetHeight - message.clientHeight;
    message.style.height = `${Math.min(message.scrollHeight + borders, 160)}px`;
  }

  #add(files) {
    if (!files?.length) return;
    this.#files.push(...files);
    if (this.#files.length > MOST_PICTURES) {
      this.#files.length = MOST_PICTURES;
      toast(words.errors.COUNT_OF_PICTURES);
    }
    this.#drawStrip();
    $("message").focus();
  }

  #drawStrip() {
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = [];
    const strip = $("strip");
    strip.hidden = this.#files.length === 0;
    const shown = this.#files.map((file, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "picked";
      button.title = words.remove;
      button.setAttribute("aria-label", `${words.remove}: ${file.name}`);
      if (file.type.startsWith("image/")) {
        const image = document.createElement("img");
        image.src = URL.createObjectURL(file);
        image.alt = "";
        this.#urls.push(image.src);
        button.append(image);
      } else {
        button.append("📄");
      }
      button.addEventListener("click", () => { this.#files.splice(index, 1); this.#drawStrip(); });
      return button;
    });
    const label = document.createElement("label");
    label.className = "as-file";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.id = "as-file";
    label.append(box, words.as_file);
    strip.replaceChildren(...shown, label);
  }

  /** Empties the strip and answers what was in it. */
  #take() {
    const files = this.#files;
    this.#files = [];
    this.#drawStrip();
    return files;
  }

  async #submit() {
    const message = $("message");
    const text = message.value.trim();
    if (this.#files.length === 0) {
      if (!text) return;
      message.value = "";
      this.#grow();
      await this.#post("text", { text }).catch(() => { message.value = text; });
      return;
    }
    const form = new FormData();
    form.append("caption", text);
    form.append("as_file", String($("as-file").checked));
    const files = this.#take();
    files.forEach((file) => form.append("picture", file, file.name));
    message.value = "";
    this.#grow();
    await this.#post("pictures", form).catch(() => { this.#files = files; message.value = text; this.#drawStrip(); });
  }
}
