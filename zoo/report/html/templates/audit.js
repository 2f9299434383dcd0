(() => {
  const form = document.querySelector("form.filter");
  if (!form) return;
  const rows = [...document.getElementById(form.dataset.table).tBodies[0].rows];
  const count = form.querySelector("output");
  const said = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  const fits = (row) => {
    const { rule, publisher, unit, text } = form.elements;
    const least = parseFloat(form.elements.least.value);
    const equal = (choice, value) => !choice.value || choice.value === value;
    return (
      equal(form.elements.class, row.dataset.class) &&
      equal(rule, row.dataset.rule) &&
      (!publisher.value || row.dataset.publishers.split("\n").includes(publisher.value)) &&
      equal(unit, row.dataset.unit) &&
      (Number.isNaN(least) || (row.dataset.size !== "" && Number(row.dataset.size) >= least)) &&
      text.value.trim().toLowerCase().split(/\s+/).every((word) => said.get(row).includes(word))
    );
  };
  const apply = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !fits(row);
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} shown`;
  };

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("button").addEventListener("click", () => {
    form.reset();
    apply();
  });
  for (const link of document.querySelectorAll("a[data-rule]")) {
    link.addEventListener("click", () => {
      form.reset();
      form.elements.rule.value = link.dataset.rule;
      form.elements.class.value = link.dataset.class;
      apply();
    });
  }
  form.hidden = false;
  apply();
})();
