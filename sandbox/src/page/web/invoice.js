// Invoices in Stars: how the chat shows them, the question before paying, and the service messages afterwards.

import { node } from "./dom.js";
import { words } from "./words.js";

const $ = (id) => document.getElementById(id);

/** The card of an invoice. */
export function invoiceCard({ title, description, total_amount: stars }) {
  return node("div", "invoice", node("b", "", title), node("p", "", description), node("span", "stars", `⭐ ${stars}`));
}

/** The keyboard's rows: an invoice has a button to pay even where the bot gave none. */
export function buttonsOf({ invoice, reply_markup: markup }) {
  const rows = markup?.inline_keyboard ?? [];
  if (!invoice) return rows;
  const own = { text: words.pay_stars(invoice.total_amount), pay: true };
  const paying = rows.map((row) => row.map((button) => (button.pay ? own : button)));
  return rows.some((row) => row.some((button) => button.pay)) ? paying : [[own], ...rows];
}

/** Asks before Stars are spent. */
export function confirmPayment({ title, total_amount: stars }) {
  const dialog = $("confirm-payment");
  dialog.querySelector("p").textContent = words.pay_question(title, stars);
  dialog.querySelector(".primary").textContent = words.pay_stars(stars);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "pay"), { once: true });
  });
}

/** What a service message says; `undefined` for any other message. */
export function serviceText(message) {
  if (message.successful_payment) return words.paid_service(message.successful_payment.total_amount);
  if (message.refunded_payment) return words.refunded_service(message.refunded_payment.total_amount);
  return undefined;
}
