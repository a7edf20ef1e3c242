// Draws the chat. A message is drawn again only when it changed, so that focus and scroll stay.

import { toast } from "./app.js";
import { node } from "./dom.js";
import { buttonsOf, confirmPayment, invoiceCard, serviceText } from "./invoice.js";
import { clock, words } from "./words.js";

const $ = (id) => document.getElementById(id);

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote" };

/** Text with Telegram's entities, whose offsets are UTF-16 units as in JavaScript. */
function formatted(text, entities = []) {
  const whole = node("div", "text");
  let at = 0;
  for (const entity of [...entities].sort((a, b) => a.offset - b.offset)) {
    if (entity.offset < at) continue;
    whole.append(text.slice(at, entity.offset));
    at = entity.offset + entity.length;
    const part = text.slice(entity.offset, at);
    const made = node(TAGS[entity.type] ?? "span", entity.type, part);
    if (entity.type === "text_link" && /^https?:/.test(entity.url)) {
      const link = node("a", "", part);
      link.href = entity.url;
      link.rel = "noreferrer";
      whole.append(link);
    } else {
      whole.append(made);
    }
  }
  whole.append(text.slice(at));
  return whole;
}

const fileUrl = (id) => `/api/files/${encodeURIComponent(id)}`;

export class Chat {
  #press;
  #pay;
  #drawn = new Map();
  #notice = 0;
  #first = true;
  #actionTimer;

  constructor(press, pay) {
    this.#press = press;
    this.#pay = pay;
    const list = $("messages");
    list.addEventListener("scroll", () => { $("to-end").hidden = this.#atEnd(); });
    $("to-end").addEventListener("click", () => this.#toEnd());
    const viewer = $("viewer");
    viewer.addEventListener("click", () => viewer.close());
    $("alert").querySelector("button").addEventListener("click", () => $("alert").close());
    // A picture that arrives makes the chat longer after it was scrolled.
    new ResizeObserver(() => { if (this.#stick) this.#toEnd(); }).observe(list);
    list.addEventListener("load", () => { if (this.#stick) this.#toEnd(); }, true);
    this.note(words.loading);
  }

  #stick = true;

  clear() {
    this.#drawn.clear();
    this.#first = true;
    this.#notice = 0;
    this.note(words.loading);
  }

  note(text) {
    $("messages").replaceChildren(node("p", "note", text));
  }

  show(chat) {
    const list = $("messages");
    this.#stick = this.#first || this.#atEnd();
    const groups = [];
    for (const message of chat.messages) {
      const last = groups.at(-1);
      if (message.media_group_id && last?.[0].media_group_id === message.media_group_id) last.push(message);
      else groups.push([message]);
    }
    const seen = new Set();
    const wanted = groups.map((group) => {
      const id = group[0].message_id;
      seen.add(id);
      const content = JSON.stringify(group);
      const known = this.#drawn.get(id);
      if (known?.content === content) return known.element;
      const element = this.#draw(group);
      this.#drawn.set(id, { content, element });
      if (known) known.element.replaceWith(element);
      return element;
    });
    for (const id of [...this.#drawn.keys()]) if (!seen.has(id)) this.#drawn.delete(id);
    if (wanted.length === 0) this.note(words.empty);
    else this.#place(list, wanted);
    if (this.#stick) this.#toEnd();
    $("to-end").hidden = this.#atEnd();
    this.#showStatus(chat);
    this.#showNotice(chat.notice);
    this.#first = false;
  }

  /** Brings the list's children to `wanted` without touching those that are in their place. */
  #place(list, wanted) {
    wanted.forEach((element, index) => {
      if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
    });
    while (list.children.length > wanted.length) list.lastElementChild.remove();
  }

  #draw(group) {
    const [message] = group;
    const service = serviceText(message);
    if (service !== undefined) return this.#service(message, service);
    const mine = !message.from.is_bot;
    const row = node("article", mine ? "row mine" : "row");
    row.setAttribute("aria-label", mine ? words.you : "Kopilka");
    row.dataset.id = message.message_id;
    const bubble = node("div", "bubble");
    if (message.reply_to_message) {
      const replied = message.reply_to_message;
      bubble.append(node("div", "quote", replied.text ?? replied.caption ?? replied.invoice?.title ?? words.photo));
    }
    const photos = group.filter((part) => part.photo);
    if (photos.length) bubble.append(this.#photos(photos));
    for (const part of group) if (part.document) bubble.append(this.#document(part.document));
    if (message.invoice) bubble.append(invoiceCard(message.invoice));
    if (message.sticker) bubble.append(node("div", "sticker", message.sticker.emoji));
    if (message.voice) bubble.append(node("div", "voice", `🎤 ${words.voice}, 0:0${message.voice.duration}`));
    const captioned = group.find((part) => part.caption);
    if (message.text) bubble.append(formatted(message.text, message.entities));
    if (captioned) bubble.append(formatted(captioned.caption, captioned.caption_entities));
    const last = group.at(-1);
    const time = node("span", "time", `${last.edit_date ? `${words.edited} ` : ""}${clock(last.date * 1000)}`);
    bubble.append(time);
    if (photos.length && !captioned) bubble.classList.add("bare");
    row.append(bubble);
    const buttons = buttonsOf(message);
    if (buttons.length) row.append(this.#keyboard(message, buttons));
    return row;
  }

  #service(message, text) {
    const line = node("p", "service", text);
    line.dataset.id = message.message_id;
    line.title = clock(message.date * 1000);
    return line;
  }

  #photos(parts) {
    const grid = node("div", parts.length > 1 ? "photos album" : "photos");
    for (const part of parts) {
      const size = part.photo.at(-1);
      const button = node("button", "photo");
      button.type = "button";
      button.setAttribute("aria-label", words.picture);
      const image = node("img");
      image.src = fileUrl(size.file_id);
      image.alt = part.caption ?? words.picture;
      image.width = size.width;
      image.height = size.height;
      button.append(image);
      button.addEventListener("click", () => {
        const viewer = $("viewer");
        viewer.querySelector("img").src = image.src;
        viewer.querySelector("img").alt = image.alt;
        viewer.showModal();
      });
      grid.append(button);
    }
    return grid;
  }

  #document(file) {
    const link = node("a", "document");
    link.href = fileUrl(file.file_id);
    link.download = file.file_name ?? "file";
    const size = file.file_size >= 1_000_000 ? `${(file.file_size / 1_000_000).toFixed(1)} MB` : `${Math.ceil(file.file_size / 1000)} kB`;
    link.append(node("span", "clip", "📄"), node("span", "", file.file_name ?? words.file), node("small", "", size));
    return link;
  }

  #keyboard(message, rows) {
    const keyboard = node("div", "keyboard");
    for (const buttons of rows) {
      const line = node("div", "buttons");
      for (const { text, callback_data: data, url, pay } of buttons) {
        if (url) {
          const link = node("a", "key", text);
          link.href = url;
          link.rel = "noreferrer";
          link.target = "_blank";
          line.append(link);
          continue;
        }
        const button = node("button", "key", text);
        button.type = "button";
        if (data) button.dataset.data = data;
        button.classList.toggle("pay", Boolean(pay));
        button.addEventListener("click", async () => {
          button.classList.add("pressed");
          this.#stick = true;
          try {
            if (!pay) await this.#press(message.message_id, data);
            else if (await confirmPayment(message.invoice)) await this.#pay(message.message_id);
          } finally {
            setTimeout(() => button.classList.remove("pressed"), 700);
          }
        });
        line.append(button);
      }
      keyboard.append(line);
    }
    return keyboard;
  }

  #showStatus({ action, blocked }) {
    clearTimeout(this.#actionTimer);
    const left = action ? action.until - Date.now() : 0;
    const status = $("status");
    const says = blocked ? words.blocked : words.bot;
    status.textContent = !blocked && left > 0 ? words[action.action] ?? words.typing : says;
    status.classList.toggle("acting", !blocked && left > 0);
    if (left > 0) this.#actionTimer = setTimeout(() => this.#showStatus({ action: null, blocked }), left);
  }

  #showNotice(notice) {
    if (!notice || notice.number === this.#notice) return;
    const fresh = !this.#first;
    this.#notice = notice.number;
    if (!fresh) return;
    if (notice.alert) {
      $("alert").querySelector("p").textContent = notice.text;
      $("alert").showModal();
    } else {
      toast(notice.text);
    }
  }

  #atEnd() {
    const list = $("messages");
    return list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  }

  #toEnd() {
    const list = $("messages");
    list.scrollTop = list.scrollHeight;
  }
}
