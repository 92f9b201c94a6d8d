// ---- export: what is seen, as one file that needs nothing else ----------------------------------------------

function exportCode() {
  saveHtml(`Code ${number(chosen)} of ${model.title}`, still($(".cv-code")), `${model.id}.${book().name}.code-${chosen}`);
}

function exportTab() {
  const statistics = document.querySelector("#codebook-statistics"), figures = statistics ? [...statistics.querySelectorAll(".cv-strip-figures, .tv-head, .svg-container")] : [];
  const parts = [still($(".cv-map")), ...figures.map((part) => still(part)), chosen === null ? "" : still($(".cv-code"))];
  const shownPage = page;
  table(Infinity);
  parts.push(still($(".cv-table")));
  page = shownPage; table();
  saveHtml(`The codebook of ${model.title}${model.levels.length > 1 ? `, ${book().name}` : ""}`, parts.join("\n"), `${model.id}.${book().name}.codebook`);
}

$('[data-do="export"]').onclick = exportTab;
