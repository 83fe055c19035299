/** The shop's only page. */
export function page({ version, greeting, products }) {
  const items = products.map(({ name, price }) => `<li>${escape(name)} <b>${escape(price)}</b></li>`);
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Shop</title></head>
  <body>
    <h1>${escape(greeting)}</h1>
    <ul>${items.join('')}</ul>
    <footer>version ${escape(version)}</footer>
  </body>
</html>
`;
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text) {
  return String(text).replace(/[&<>"]/g, (character) => entities[character]);
}
