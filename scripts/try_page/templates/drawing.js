"use strict";
// Converts strokes to an image like the training images, as for MNIST: the longest side of the
// bounding box is `box` pixels, the brightness of a pixel is the share of it that the strokes cover,
// and the centre of mass is in the middle if the drawing fits there.

const FINE = 4; // points per side of a pixel
const PEN = 0.14; // stroke width relative to the box, as in MNIST; independent of the size drawn
const SMALLEST = 0.1; // relative to the paper: smaller drawings, such as a dot, are not enlarged to the box

// The points that strokes cover in a square of `length` x `length`. `place` maps strokes to it.
function covered(strokes, place, length, radius) {
  const mask = new Uint8Array(length * length);
  const bounded = (value) => Math.min(Math.max(Math.round(value), 0), length - 1);
  for (const stroke of strokes) {
    const points = stroke.map(place);
    points.forEach(([x, y], index) => {
      const [lastX, lastY] = points[Math.max(0, index - 1)];
      const [across, down] = [x - lastX, y - lastY];
      const square = across * across + down * down;
      const [left, right] = [Math.min(x, lastX) - radius, Math.max(x, lastX) + radius];
      const [top, bottom] = [Math.min(y, lastY) - radius, Math.max(y, lastY) + radius];
      for (let row = bounded(top); row <= bounded(bottom); row += 1) {
        for (let column = bounded(left); column <= bounded(right); column += 1) {
          const [fromX, fromY] = [column + 0.5 - lastX, row + 0.5 - lastY];
          const along = square ? (fromX * across + fromY * down) / square : 0;
          const nearest = Math.min(Math.max(along, 0), 1);
          const distance = Math.hypot(fromX - nearest * across, fromY - nearest * down);
          if (distance <= radius) mask[row * length + column] = 1;
        }
      }
    });
  }
  return mask;
}

// The whole pixels to shift an image along one axis, to move its centre of mass to the middle without
// losing ink. `sums` is the ink of each line.
function shift(sums) {
  const all = sums.reduce((sum, ink) => sum + ink, 0);
  const centre = sums.reduce((sum, ink, place) => sum + ink * (place + 0.5), 0) / all;
  const wanted = Math.round(sums.length / 2 - centre);
  const first = sums.findIndex((ink) => ink > 0);
  const last = sums.findLastIndex((ink) => ink > 0);
  return Math.min(Math.max(wanted, -first), sums.length - 1 - last);
}

const range = (values) => [Math.min(...values), Math.max(...values)];

// Coverage of each pixel, from 0 to 1, of strokes: lists of [x, y] from 0 to 1.
function coverage(strokes, { height, width, box }) {
  const side = Math.min(height, width);
  const pen = Math.max(1, PEN * box);
  const [[left, right], [top, bottom]] = [0, 1].map((axis) =>
    range(strokes.map((stroke) => range(stroke.map((point) => point[axis]))).flat()));
  const scale = Math.max(box - pen, 1) / Math.max(right - left, bottom - top, SMALLEST);
  const middle = Math.floor((side - box) / 2) + box / 2; // aligns the box with pixels
  const place = ([x, y]) => [
    FINE * (middle + (x - (left + right) / 2) * scale),
    FINE * (middle + (y - (top + bottom) / 2) * scale)];
  const ink = new Float32Array(side * side);
  covered(strokes, place, side * FINE, (FINE * pen) / 2).forEach((on, index) => {
    const [row, column] = [Math.floor(index / (side * FINE)), index % (side * FINE)];
    ink[Math.floor(row / FINE) * side + Math.floor(column / FINE)] += on / FINE ** 2;
  });
  const lines = Array.from({ length: side }, (_, line) => line);
  const sum = (values) => values.reduce((all, one) => all + one, 0);
  const across = shift(lines.map((x) => sum(lines.map((y) => ink[y * side + x]))));
  const down = shift(lines.map((y) => sum(lines.map((x) => ink[y * side + x]))));
  const pixels = new Float32Array(height * width);
  const [leftmost, topmost] = [width, height].map((all) => Math.floor((all - side) / 2));
  ink.forEach((share, index) => {
    if (!share) return;
    const [row, column] = [Math.floor(index / side) + down, (index % side) + across];
    pixels[(topmost + row) * width + leftmost + column] = share;
  });
  return pixels;
}

// The same in the dataset's units.
function pixelsOf(strokes, image) {
  const { background, ink, whole } = image;
  const asPixel = (share) => background + share * (ink - background);
  return coverage(strokes, image).map((share) => (whole ? Math.round(asPixel(share)) : asPixel(share)));
}
