import { BrightcellError } from '../errors.ts';

/** Level and contrast of the light of each image's session, two numbers an image. */
export type LightOfImages = Float32Array;

/**
 * The medians of level and contrast over the images of each session: what the normalisation `session` takes out. Labels have
 * no part in it. `light` has two numbers an image, `session` says which one each is of, and images that `counted` leaves
 * out (none by default) get their session's medians without adding to them, unless the session has no other.
 */
export function lightOfSessions(
  light: Float32Array,
  session: readonly unknown[],
  counted: (i: number) => boolean = () => true,
): LightOfImages {
  const members = new Map<unknown, number[]>();
  session.forEach((name, i) => {
    const own = members.get(name);
    if (own) own.push(i);
    else members.set(name, [i]);
  });
  const result = new Float32Array(light.length);
  for (const images of members.values()) {
    const some = images.filter(counted);
    const of = some.length > 0 ? some : images;
    const own = [0, 1].map(number => median(of.map(i => light[2 * i + number]!)));
    for (const i of images) result.set(own, 2 * i);
  }
  return result;
}

/** The value in the middle, of two the larger. */
function median(values: number[]): number {
  return Float32Array.from(values).sort()[values.length >> 1]!;
}

/** Images that the normalisation `session` is asked for, and no session is known. */
export function withoutSession(): BrightcellError {
  return new BrightcellError(
    'option-invalid',
    'A model with the normalisation session must know which images are of one session. Received images without. Take a ' +
      'data set, whose groups are its sessions, or classify all image files of a session in one call.',
  );
}
