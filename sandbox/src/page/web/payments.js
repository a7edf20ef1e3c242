// The user's payments, and what can be done to each. A payment's element stays, so that an open menu stays open.

import { send, toast } from "./app.js";
import { node } from "./dom.js";
import { clock, price, rubles, words } from "./words.js";

const $ = (id) => document.getElementById(id);

const NOTHING = "0.00";

/** What is written first where an act asks how much; `undefined` where it does not ask. */
function asked(act, { price: { value }, left, received, park }) {
  if (act === "pay_other") return value;
  if (act === "cabinet_refund") return left === NOTHING ? received?.value : left;
  // What was not credited is refunded whole.
  return act === "refund" && !park ? left : undefined;
}

/** Where a payment stands, in words and as a colour. */
function standing(payment) {
  if (payment.park) return { says: words.parked[payment.park], look: "parked" };
  const part = payment.state === "REFUNDED" && payment.left !== NOTHING;
  return { says: part ? words.refunded_in_part : words.payment_states[payment.state], look: payment.state.toLowerCase() };
}

function sums(payment) {
  const parts = [`${words.promised} ${rubles(payment.amount)}`];
  if (payment.park && payment.received) parts.push(`${words.received} ${price(payment.received)}`);
  if (payment.credited !== NOTHING) parts.push(`${words.credited} ${rubles(payment.credited)}`);
  if (payment.refunded !== NOTHING) parts.push(`${words.refunded} ${rubles(payment.refunded)}`);
  if (payment.repeats) parts.push(words.repeat);
  return parts.join(" · ");
}

export class Payments {
  #drawn = new Map();
  #asked;

  constructor() {
    $("cancel-sum").addEventListener("click", () => $("sum").close());
    $("sum-form").addEventListener("submit", () => {
      const amount = $("sum-amount").value.trim().replace(",", ".");
      this.#do(this.#asked.payment, this.#asked.act, { amount });
    });
  }

  clear() {
    this.#drawn.clear();
    $("payments").replaceChildren();
  }

  show(payments) {
    const list = $("payments");
    if (payments.length === 0) {
      this.#drawn.clear();
      list.replaceChildren(node("li", "empty", words.no_payments));
      return;
    }
    list.querySelector(".empty")?.remove();
    payments.forEach((payment, index) => {
      const content = JSON.stringify(payment);
      let known = this.#drawn.get(payment.id);
      if (!known) {
        known = { element: this.#make(payment) };
        this.#drawn.set(payment.id, known);
      }
      if (known.content !== content) this.#fill(known.element, payment);
      known.content = content;
      if (list.children[index] !== known.element) list.insertBefore(known.element, list.children[index] ?? null);
    });
    while (list.children.length > payments.length) list.lastElementChild.remove();
  }

  #make(payment) {
    const item = node("li", "operation payment", node("div", "shown"));
    item.dataset.id = payment.id;
    item.title = payment.id;
    if (payment.acts.length === 0) return item;
    const menu = node("details", "acts", node("summary", "", words.what_to_do));
    // One menu is open at a time.
    menu.name = "acts";
    const offered = new Set(payment.acts.map(([act]) => act));
    for (const [title, acts] of words.act_groups) {
      const buttons = acts.filter((act) => offered.has(act)).map((act) => this.#button(item, act));
      if (buttons.length) menu.append(node("p", "dim", title), node("div", "actions", ...buttons));
    }
    item.append(menu);
    return item;
  }

  #button(item, act) {
    const button = node("button", "", words.acts[act]);
    button.type = "button";
    button.dataset.act = act;
    button.addEventListener("click", () => {
      const { payment } = item;
      const first = asked(act, payment);
      if (first === undefined) {
        this.#do(payment, act, {});
        return;
      }
      this.#asked = { payment, act };
      $("sum-title").textContent = words.acts[act].replace("…", "");
      $("sum-amount").value = first;
      $("sum").showModal();
      $("sum-amount").select();
    });
    return button;
  }

  #fill(item, payment) {
    item.payment = payment;
    item.dataset.state = payment.state;
    const { says, look } = standing(payment);
    const provider = [words.providers[payment.provider] ?? payment.provider, words.methods[payment.method] ?? payment.method];
    item.querySelector(".shown").replaceChildren(
      node("div", "top", node("b", "", price(payment.price)), node("time", "", clock(payment.create_time))),
      node("div", "bottom", node("span", `state ${look}`, says), node("span", "paid", provider.filter(Boolean).join(", "))),
      node("div", "dim", sums(payment)));
    const applies = new Map(payment.acts);
    item.querySelectorAll("[data-act]").forEach((button) => { button.disabled = !applies.get(button.dataset.act); });
  }

  /** A failure has said so in a toast. */
  async #do(payment, act, wanted) {
    const { statuses } = await send("POST", `/api/payments/${payment.id}/${act}`, wanted).catch(() => ({ statuses: [] }));
    if (statuses.length === 0) return;
    const answers = statuses.map((status) => status || words.lost).join(", ");
    toast(act === "forge" ? `${words.forged} ${words.answered}: ${answers}.` : `${words.answered}: ${answers}.`);
  }
}
