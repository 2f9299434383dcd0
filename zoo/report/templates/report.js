(() => {
  const form = document.getElementById("filter");
  if (!form) return;
  const outcome = document.getElementById("filter-outcome");
  const words = document.getElementById("filter-text");
  const count = document.getElementById("filter-count");
  const rows = [...document.querySelectorAll("#verdicts tbody tr")];
  const apply = () => {
    const wanted = words.value.trim().toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = (!outcome.value || row.dataset.outcome === outcome.value) && wanted.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${rows.length} shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
})();
