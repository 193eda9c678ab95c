// N cells, K classes.

/**
 * How strange each of the K classes looks for a cell, by Romano, Sesia and Candes (2020): the probability of all classes
 * more likely than it, and of its own a share U of [0, 1). U is a hash of the probabilities' own bits: scores of sure cells
 * do not tie, as they would without it, and a cell's score is the same wherever and whenever it is asked for.
 */
export function adaptiveScores(probabilities: Float32Array): Float32Array {
  const scores = new Float32Array(probabilities.length);
  const share = hashToShare(probabilities);
  let above = 0;
  for (const k of mostProbableFirst(probabilities)) {
    scores[k] = above + share * probabilities[k]!;
    above += probabilities[k]!;
  }
  return scores;
}

/** The classes, the most probable first. */
export function mostProbableFirst(probabilities: Float32Array): number[] {
  return [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
}

/** A number of [0, 1) made of all bits, FNV-1a over words and MurmurHash3's finaliser. */
function hashToShare(probabilities: Float32Array): number {
  let hash = 0x811c9dc5;
  for (const bits of new Uint32Array(Float32Array.from(probabilities).buffer)) {
    hash = Math.imul(hash ^ bits, 0x01000193);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
