/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** A colour for each number of [0, 1]. */
export interface ColourMap {
  name: string;
  at(value: number): Rgb;
}

/**
 * Dark blue over green to yellow: Matplotlib's viridis by van der Walt and Smith, whose steps look equally large, also
 * to the colour-blind and in gray.
 */
export const sequentialColours: ColourMap = {
  name: 'viridis',
  at: fromAnchors([
    '#440154',
    '#482878',
    '#3e4989',
    '#31688e',
    '#26828e',
    '#1f9e89',
    '#35b779',
    '#6ece58',
    '#b5de2b',
    '#fde725',
  ]),
};

/**
 * Blue for what is below the middle, near white for it, orange for what is above. Made in Ottosson's Oklab, in which
 * equal steps look equally large: lightness falls and colour grows in proportion to the distance from the middle.
 */
export const divergingColours: ColourMap = {
  name: 'blue to orange',
  at(value) {
    const far = 2 * clamp(value) - 1;
    const [a, b] = far < 0 ? [-0.03, -0.14] : [0.09, 0.11];
    return fromOklab(0.975 - 0.48 * Math.abs(far), a * Math.abs(far), b * Math.abs(far));
  },
};

/** Black to white. */
export const grayColours: ColourMap = {
  name: 'gray',
  at(value) {
    const gray = Math.round(255 * clamp(value));
    return [gray, gray, gray];
  },
};

function fromAnchors(codes: string[]): (value: number) => Rgb {
  const anchors = codes.map(code => [1, 3, 5].map(at => Number.parseInt(code.slice(at, at + 2), 16)));
  return value => {
    const place = clamp(value) * (anchors.length - 1);
    const first = Math.min(Math.floor(place), anchors.length - 2);
    const part = place - first;
    const [low, high] = [anchors[first]!, anchors[first + 1]!];
    return [0, 1, 2].map(i => Math.round(low[i]! + part * (high[i]! - low[i]!))) as unknown as Rgb;
  };
}

function fromOklab(lightness: number, a: number, b: number): Rgb {
  const [l, m, s] = [
    (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
    (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
    (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3,
  ];
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map(linear => {
    const part = clamp(linear);
    const curved = part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055;
    return Math.round(255 * curved);
  }) as unknown as Rgb;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
