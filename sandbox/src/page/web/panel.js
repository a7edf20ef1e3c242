// The panel: money, operations and entries as billing says them, and the switches that break things.

import { node } from "./dom.js";
import { Payments } from "./payments.js";
import { clock, rubles, words } from "./words.js";

const $ = (id) => document.getElementById(id);

/** The failure behind a choice; the stand-in's own words. */
function failure(mode, more = {}) {
  return mode === "" ? null : { mode, ...more };
}

const FAL_MORE = { slow: { millis: 15000 }, too_many_requests: { retry_after: 5 } };
const TELEGRAM_MORE = { too_many_requests: { retry_after: 5 } };
const SWITCHES = ["twice", "lose_payments", "silent"];

export class Panel {
  #do;
  #known = false;
  #payments = new Payments();
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
    $("yookassa-fault").addEventListener("change", ({ target: { value } }) => quiet(this.#do.faults({ yookassa: value || null })));
    for (const name of SWITCHES) {
      $(name).addEventListener("change", ({ target }) => quiet(this.#do.faults({ [name]: target.checked })));
    }
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
    $("standing").hidden = true;
    this.#payments.clear();
    $("events").replaceChildren();
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
    this.#showStanding(user);
    this.#showOperations(money.operations);
    this.#payments.show(money.payments);
    this.#showEntries(money.entries);
  }

  #showStanding({ standing, paid }) {
    const shown = $("standing");
    shown.hidden = standing === "GOOD";
    shown.textContent = standing === "IN_DEBT" ? words.debt(rubles(paid.replace("-", ""))) : words.user_blocked;
    shown.dataset.standing = standing;
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
      const account = (name) => {
        const [kind, provider] = name.split(":");
        const known = words.accounts[kind] ?? name;
        return kind === "topups" ? `${known} (${words.providers[provider.toUpperCase()] ?? provider})` : known;
      };
      const movement = node("td", "", `${account(entry.from)} → ${account(entry.to)}`);
      movement.title = `${entry.from} → ${entry.to}`;
      return node("tr", "", node("td", "dim", String(entry.sequence)), movement, node("td", "number", amount), node("td", "number", after));
    }));
  }

  setBlocked(blocked) {
    $("blocked").checked = blocked;
  }

  setFaults({ fal, telegram, yookassa }) {
    const choose = (select, choices, stand_in, mode, real) => {
      const options = stand_in === null ? [["", real]] : Object.entries(choices);
      if (select.options.length !== options.length) {
        select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
      }
      select.disabled = stand_in === null;
      select.value = mode ?? "";
      select.classList.toggle("broken", Boolean(mode));
    };
    choose($("fal-fault"), words.faults_fal, fal, fal?.failure?.mode, words.real_fal);
    choose($("telegram-fault"), words.faults_telegram, telegram, telegram?.failure?.mode, words.real_telegram);
    choose($("yookassa-fault"), words.faults_yookassa, yookassa, yookassa?.failure, words.real_yookassa);
    $("twice").checked = telegram?.twice ?? false;
    $("lose_payments").checked = telegram?.lose_payments ?? false;
    $("silent").checked = yookassa?.silent ?? false;
    $("silent").disabled = yookassa === null;
    for (const box of [$("twice"), $("lose_payments"), $("blocked")]) box.disabled = telegram === null;
    document.querySelectorAll("[data-odd]").forEach((button) => { button.disabled = telegram === null; });
  }
}
