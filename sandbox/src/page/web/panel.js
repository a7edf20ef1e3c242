// The panel: money, operations and entries as billing says them, and the switches that break things.

import { clock, rubles, words } from "./words.js";

const $ = (id) => document.getElementById(id);

function node(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** The failure behind a choice; the stand-in's own words. */
function failure(mode, more = {}) {
  return mode === "" ? null : { mode, ...more };
}

const FAL_MORE = { slow: { millis: 15000 }, too_many_requests: { retry_after: 5 } };
const TELEGRAM_MORE = { too_many_requests: { retry_after: 5 } };

export class Panel {
  #do;
  #known = false;
  #sums = new Map();

  constructor(actions) {
    this.#do = actions;
    // A failed action has said so in a toast.
    const quiet = (promise) => promise.catch(() => {});
    document.querySelectorAll("[data-money]").forEach((button) => button.addEventListener("click",
      () => quiet(this.#do.post("money", { units: Number(button.dataset.money) }))));
    document.querySelectorAll("[data-free]").forEach((button) => button.addEventListener("click",
      () => quiet(this.#do.post("free", { operations: Number(button.dataset.free) }))));
    document.querySelectorAll("[data-odd]").forEach((button) => button.addEventListener("click",
      () => quiet(this.#do.post("odd", { what: button.dataset.odd }))));
    $("fal-fault").addEventListener("change", ({ target: { value } }) =>
      quiet(this.#do.faults({ fal: failure(value, FAL_MORE[value]) })));
    $("telegram-fault").addEventListener("change", ({ target: { value } }) =>
      quiet(this.#do.faults({ telegram: failure(value, TELEGRAM_MORE[value]) })));
    $("twice").addEventListener("change", ({ target }) => quiet(this.#do.faults({ twice: target.checked })));
    $("blocked").addEventListener("change", ({ target }) => quiet(this.#do.put("blocked", { blocked: target.checked })));
    this.clear();
  }

  clear() {
    this.#known = false;
    this.#sums.clear();
    for (const id of ["balance", "held", "free"]) $(id).textContent = "…";
    $("chip").textContent = "…";
    $("user-id").textContent = "";
    $("billing-down").hidden = true;
    $("operations").replaceChildren(node("li", "empty", words.loading));
    $("entries").replaceChildren();
    $("no-entries").hidden = true;
  }

  show(money) {
    const down = $("billing-down");
    down.hidden = !money.error;
    $("panel").classList.toggle("stale", Boolean(money.error));
    if (money.error) {
      down.textContent = this.#known ? words.down : words.down_empty;
      if (!this.#known) $("operations").replaceChildren(node("li", "empty", "—"));
      $("chip").textContent = this.#known ? $("chip").textContent : "⚠";
      return;
    }
    this.#known = true;
    const { user } = money;
    this.#sum("balance", rubles(user.balance));
    this.#sum("held", rubles(user.held));
    this.#sum("free", `${user.free_left} ${words.of} ${user.free_total}`);
    $("chip").textContent = `${rubles(user.balance)} · ${user.free_left}/${user.free_total}`;
    $("user-id").textContent = user.user_id;
    this.#showOperations(money.operations);
    this.#showEntries(money.entries);
  }

  /** Sets a sum and lets it flash when it changed. */
  #sum(id, text) {
    const shown = $(id);
    shown.textContent = text;
    if (this.#sums.has(id) && this.#sums.get(id) !== text) {
      shown.classList.remove("changed");
      void shown.offsetWidth;
      shown.classList.add("changed");
    }
    this.#sums.set(id, text);
  }

  #showOperations(operations) {
    if (operations.length === 0) {
      $("operations").replaceChildren(node("li", "empty", words.no_operations));
      return;
    }
    $("operations").replaceChildren(...operations.map((operation) => {
      const why = operation.state === "REFUNDED" ? words.reasons[operation.refund_reason] : words.declines[operation.decline_reason];
      const says = [words.states[operation.state], why].filter(Boolean).join(": ");
      const badge = node("span", `state ${operation.state.toLowerCase()}`, says);
      const paid = operation.funding.map((slice) => {
        if (slice.free) return words.paid_free(slice.free);
        if (slice.promotional) return `${words.paid_promotional} ${rubles(slice.promotional)}`;
        return `${words.paid_balance} ${rubles(slice.balance)}`;
      }).join(" + ");
      const item = node("li", "operation",
        node("div", "top", node("b", "", words.kinds[operation.kind] ?? operation.kind), node("time", "", clock(operation.create_time))),
        node("div", "bottom", badge, node("span", "paid", paid || rubles(operation.price))));
      item.dataset.state = operation.state;
      item.title = operation.id;
      return item;
    }));
  }

  #showEntries(entries) {
    $("no-entries").hidden = entries.length > 0;
    $("entries").replaceChildren(...entries.map((entry) => {
      const free = entry.amount === null;
      const amount = free ? `${entry.operations}\u00a0${words.free_unit}` : rubles(entry.amount);
      const after = free ? String(entry.operations_after) : rubles(entry.after);
      const account = (name) => words.accounts[name.split(":")[0]] ?? name;
      const movement = node("td", "", `${account(entry.from)} → ${account(entry.to)}`);
      movement.title = `${entry.from} → ${entry.to}`;
      return node("tr", "", node("td", "dim", String(entry.sequence)), movement, node("td", "number", amount), node("td", "number", after));
    }));
  }

  setBlocked(blocked) {
    $("blocked").checked = blocked;
  }

  setFaults({ fal, telegram }) {
    const choose = (select, choices, stand_in, real) => {
      const mode = stand_in?.failure?.mode ?? "";
      const options = stand_in === null ? [["", real]] : Object.entries(choices);
      if (select.options.length !== options.length) {
        select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
      }
      select.disabled = stand_in === null;
      select.value = mode;
      select.classList.toggle("broken", mode !== "");
    };
    choose($("fal-fault"), words.faults_fal, fal, words.real_fal);
    choose($("telegram-fault"), words.faults_telegram, telegram, words.real_telegram);
    $("twice").checked = telegram?.twice ?? false;
    for (const box of [$("twice"), $("blocked")]) box.disabled = telegram === null;
    document.querySelectorAll("[data-odd]").forEach((button) => { button.disabled = telegram === null; });
  }
}
