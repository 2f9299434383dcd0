(() => {
  const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]);
  const words = (cell) => cell.textContent.trim().replace(/\s+/g, " ");

  // A column of numbers sorts by number, and what is no number comes last.
  const keyOf = (row, column) => {
    const text = words(row.cells[column]);
    const number = parseFloat(text);
    return { text, number: /^-?\d/.test(text) && !Number.isNaN(number) ? number : null };
  };
  const compare = (a, b) => {
    if (a.number !== null && b.number !== null) return a.number - b.number;
    if (a.number !== null || b.number !== null) return a.number === null ? 1 : -1;
    return a.text.localeCompare(b.text);
  };
  const sort = (table, column, descending) => {
    const keyed = rowsOf(table).map((row) => ({ row, key: keyOf(row, column) }));
    keyed.sort((a, b) => {
      const bothNumbers = a.key.number !== null && b.key.number !== null;
      const order = compare(a.key, b.key);
      return descending && (bothNumbers || a.key.number === b.key.number) ? -order : order;
    });
    table.tBodies[0].append(...keyed.map(({ row }) => row));
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      if (index === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };

  const makeSortable = (table, choice) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const name = words(head);
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      const plain = document.createElement("span"); // where a list takes the place of the buttons
      plain.className = "plain";
      plain.textContent = name;
      head.append(button, plain);
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") === "ascending";
        sort(table, column, descending);
        choice.value = `${column} ${descending ? "down" : "up"}`;
      });
      for (const [value, arrow] of [["up", "\u2191"], ["down", "\u2193"]]) {
        choice.append(new Option(`${name} ${arrow}`, `${column} ${value}`));
      }
    });
    choice.prepend(new Option("as run", ""));
    choice.value = "";
    const asRun = rowsOf(table);
    choice.addEventListener("change", () => {
      if (choice.value) {
        const [column, direction] = choice.value.split(" ");
        sort(table, Number(column), direction === "down");
      } else {
        table.tBodies[0].append(...asRun);
        for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
      }
    });
  };

  for (const form of document.querySelectorAll("form.filter")) {
    const table = document.getElementById(form.dataset.table);
    const [outcome, text, count] = ["outcome", "text", "count"].map((name) => form.querySelector(`.filter-${name}`));
    const rows = rowsOf(table);
    const apply = () => {
      const wanted = text.value.trim().toLowerCase().split(/\s+/);
      let shown = 0;
      for (const row of rows) {
        const said = row.textContent.toLowerCase();
        const outcomes = row.dataset.outcome.split(/\s+/);
        const fits = (!outcome.value || outcomes.includes(outcome.value)) && wanted.every((word) => said.includes(word));
        row.hidden = !fits;
        shown += fits;
      }
      count.textContent = `${shown} of ${rows.length} shown`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    const choice = form.querySelector(".sort-by");
    if (choice) makeSortable(table, choice);
    form.hidden = false;
    apply();
  }
})();
