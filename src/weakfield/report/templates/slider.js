document.querySelectorAll('.slider').forEach(function (box) {
  var input = box.querySelector('input'), label = box.querySelector('output');
  var heights = JSON.parse(box.dataset.heights);
  function show() {
    var i = Number(input.value), share = heights.length > 1 ? 100 * i / (heights.length - 1) : 0;
    box.querySelectorAll('.field').forEach(function (f) { f.style.backgroundPosition = '0 ' + share + '%'; });
    label.value = 'z = ' + heights[i] + ' Mpc/h';
  }
  input.addEventListener('input', show);
  show();
});
