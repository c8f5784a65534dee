var folded = [];
addEventListener('beforeprint', function () {
  folded = Array.from(document.querySelectorAll('details:not([open])'));
  folded.forEach(function (d) { d.open = true; });
});
addEventListener('afterprint', function () { folded.forEach(function (d) { d.open = false; }); });
