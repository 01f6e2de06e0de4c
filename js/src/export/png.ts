/** A picture in pixels. */

import { svgText } from "./svg";

const SCALE = 2;

/** Draw an SVG at twice its size. */
export async function pngOf(picture: SVGSVGElement): Promise<Blob> {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([svgText(picture)], { type: "image/svg+xml" }));
  try {
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(SCALE * Number(picture.getAttribute("width")));
    canvas.height = Math.round(SCALE * Number(picture.getAttribute("height")));
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
