// The report's own script, put into the page as it stands: it opens the images behind a cell of a confusion matrix and
// gives every figure a link that saves it. Without it all else in the page is there.
(() => {
  const dialog = document.getElementById('cells-dialog');
  const content = document.getElementById('cells-content');

  for (const button of document.querySelectorAll('button[data-cells]')) {
    button.addEventListener('click', () => {
      const template = document.getElementById(button.dataset.cells);
      content.replaceChildren(template.content.cloneNode(true));
      dialog.setAttribute('aria-label', button.getAttribute('aria-label'));
      dialog.showModal(); // Esc closes it, and the focus goes back to the button
    });
  }
  dialog.querySelector('.close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', event => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => content.replaceChildren());

  for (const link of document.querySelectorAll('a[data-save]'))
    link.href = link.closest('figure').querySelector('img').src;
})();
