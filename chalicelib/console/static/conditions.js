// Rows of conditions: a value is suggested from those of the chosen field. Without it, from those of the field that the row had.
for (const row of document.querySelectorAll(".condition")) {
  const field = row.querySelector("select"), value = row.querySelector(".compared-value input");
  const suggest = () => {
    if (document.getElementById(`values_${field.value}`)) value.setAttribute("list", `values_${field.value}`);
    else value.removeAttribute("list");
  };
  field.addEventListener("change", suggest);
  addEventListener("pageshow", suggest); // after Back the browser restores the field
}
