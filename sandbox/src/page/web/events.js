// What happened to the user, in words: events as billing gives them out.

import { node } from "./dom.js";
import { clock, rubles, words } from "./words.js";

const $ = (id) => document.getElementById(id);

const given = ({ free, amount }) => (free === null ? rubles(amount) : words.operations_count(free));

/** Title, what happened, and a colour for it. */
function told(event) {
  switch (event.what) {
    case "payment": {
      const parked = words.parked[event.park];
      const title = `${words.event_payment} ${rubles(event.amount)}, ${words.providers[event.provider] ?? event.provider}`;
      return [title, parked ?? words.payment_states[event.state], parked ? "parked" : event.state.toLowerCase()];
    }
    case "refund": {
      const states = event.origin === "DISPUTE" ? words.dispute_states : words.refund_states;
      const look = event.state === "REVERSED" ? "credited" : "refunded";
      return [`${words.refund_origins[event.origin]} ${rubles(event.amount)}`, states[event.state], look];
    }
    case "operation": {
      const back = [event.amount === "0.00" ? null : rubles(event.amount), event.free ? words.operations_count(event.free) : null];
      const kind = words.kinds[event.kind] ?? event.kind;
      return [`${words.event_operation}: ${back.filter(Boolean).join(" + ")}`, `${kind}: ${words.reasons[event.reason] ?? ""}`, "refunded"];
    }
    case "grant": return [`${words.event_grant}: ${given(event)}`, words.gifts[event.cause], "credited"];
    case "expiring": return [words.event_expiring, given(event), "parked"];
    case "standing": {
      const look = event.to === "GOOD" ? "credited" : "disputed";
      return [words.standings[event.to], `${words.balance}: ${rubles(event.amount)}`, look];
    }
    default: return [event.what ?? "?", "", ""];
  }
}

export function showEvents(events) {
  if (events.length === 0) {
    $("events").replaceChildren(node("li", "empty", words.no_events));
    return;
  }
  $("events").replaceChildren(...events.map((event) => {
    const [title, says, look] = told(event);
    const item = node("li", "operation event",
      node("div", "top", node("b", "", title), node("time", "", clock(event.time))),
      node("div", "bottom", node("span", `state ${look}`, says), node("span", "paid", `№ ${event.position}`)));
    item.dataset.what = event.what;
    return item;
  }));
}
