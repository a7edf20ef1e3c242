// The administrator's dialog for a new promo code.

import { send, toast } from "./app.js";
import { words } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Promo {
  constructor() {
    const dialog = $("promo");
    $("add-promo").addEventListener("click", () => dialog.showModal());
    $("cancel-promo").addEventListener("click", () => dialog.close());
    $("promo-form").addEventListener("submit", async () => {
      const count = $("promo-count").value;
      const gives = $("promo-what").value === "operations" ? { operations: Number(count) } : { amount: count };
      // A failure has said so in a toast.
      const made = await send("POST", "/api/promo", { code: $("promo-code").value, uses: Number($("promo-uses").value), ...gives }).catch(() => null);
      if (made) toast(words.promo_ready(made.code));
    });
  }
}
