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

  for (const link of document.querySelectorAll('a[data-save]')) {
    const image = link.closest('figure').querySelector('img');
    link.href = image.src;
    if (!image.src.startsWith('data:image/svg+xml'))
      link.addEventListener('click', () => {
        link.href = asSvg(image);
      });
  }

  // An image in an SVG document, as PNG, which programs for drawings read where many read no WebP.
  function asSvg(image) {
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    canvas.getContext('2d').drawImage(image, 0, 0);
    const draw = (name, attributes) => {
      const element = document.createElementNS('http://www.w3.org/2000/svg', name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      return element;
    };
    const svg = draw('svg', { width, height });
    svg.append(draw('image', { href: canvas.toDataURL('image/png'), width, height }));
    const text = new XMLSerializer().serializeToString(svg);
    return URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  }
})();
