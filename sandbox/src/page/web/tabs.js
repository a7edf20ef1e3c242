// Tabs: one list at a time; arrows move between them.

export class Tabs {
  #tabs;

  constructor(list) {
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.#show(tab));
    list.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const now = this.#tabs.findIndex((tab) => tab.ariaSelected === "true");
      const next = this.#tabs.at((now + step) % this.#tabs.length);
      this.#show(next);
      next.focus();
    });
    this.#show(this.#tabs[0]);
  }

  #show(chosen) {
    for (const tab of this.#tabs) {
      const shown = tab === chosen;
      tab.setAttribute("aria-selected", String(shown));
      tab.tabIndex = shown ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !shown;
    }
  }
}
