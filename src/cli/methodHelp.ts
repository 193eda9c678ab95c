/** Plain methods and their settings, as the library says them; it is not loaded for the help (a test compares). */
export const plainMethods: Record<
  string,
  { about: string; settings: Record<string, [about: string, usual: string]> }
> = {
  centroid: {
    about: 'the nearest class mean, a baseline',
    settings: {
      sharpness: [
        'how fast probability falls with distance; does not move classes: a number above 0 and at most 1000000, or auto',
        'auto',
      ],
    },
  },
  knn: {
    about: 'the k nearest neighbours, exact (Cover and Hart 1967)',
    settings: {
      k: [
        'neighbours that vote; auto chooses of 1, 3, 5, 7, 9, 11, 15, 21, 31, 51 on the validation cells: a whole number from 1 to 10000, a list of such as [1,3,5], or auto',
        'auto',
      ],
      vote: [
        'majority: all neighbours alike; distance: each by 1 over its distance: one of majority, distance',
        'majority',
      ],
      reference: [
        'training cells to compare with: all, or so many drawn by the seed, each class in proportion: a whole number from 1, or all',
        'all',
      ],
      seed: ['draws the references where they are not all: a whole number from 0 to 2147483647', '1'],
    },
  },
  svm: {
    about: 'support vector machines with a Gaussian kernel (Chang and Lin 2011)',
    settings: {
      c: [
        'price of a vector on the wrong side; auto chooses of 0.1, 1, 10, 100 on the validation cells: a number from 0.000001 to 1000000, or auto',
        'auto',
      ],
      gamma: [
        'width of the kernel; scale is 1 / (D variance), auto chooses of 0.25, 1, 4 times that: a number from 0.000001 to 1000000, scale, or auto',
        'auto',
      ],
      classWeights: [
        'balanced: C of a class is c N / (K times its vectors); none: c for all: one of balanced, none',
        'balanced',
      ],
      tolerance: [
        'largest violation of the optimality conditions that is left: a number from 0.000001 to 1',
        '0.001',
      ],
      iterations: [
        'steps for each pair of classes, at most; auto: 10 million, or 100 a vector where that is more: a whole number from 1 to 1000000000000, or auto',
        'auto',
      ],
      probability: [
        'fit probabilities by an internal cross-validation; false: shares of the votes: true or false',
        'true',
      ],
      tuningSize: [
        'most training, and validation, cells that c and gamma are chosen with: a whole number from 10 to 1000000',
        '5000',
      ],
      cacheBytes: [
        'memory for distances; auto is half of what is available: a number from 0 to 1125899906842624, or auto',
        'auto',
      ],
      seed: [
        'deals the folds of the internal cross-validation and draws the tuning cells: a whole number from 0 to 2147483647',
        '1',
      ],
    },
  },
  forest: {
    about: 'random forest (Breiman 2001), 256 ranges a feature',
    settings: {
      trees: ['how many trees vote: a whole number from 1 to 100000', '500'],
      minimalLeaf: ['different training cells of a leaf, at least: a whole number from 1 to 1000000', '1'],
      featuresPerNode: [
        'features that a node looks at; 0: the square root of all: a whole number from 0 to 1000000',
        '0',
      ],
      classWeights: ['balanced: rare classes count as much as frequent ones: one of none, balanced', 'none'],
      seed: ['draws the samples and the features: a whole number from 0 to 2147483647', '1'],
    },
  },
  logistic: {
    about: 'multinomial logistic regression with an L2 penalty',
    settings: {
      C: [
        'the smaller, the smaller the coefficients; auto chooses of 1e-6, 1e-5 ... 1000 on the validation cells: a number above 0 and at most 10000000000, or auto',
        'auto',
      ],
      classWeights: ['balanced: rare classes count as much as frequent ones: one of none, balanced', 'none'],
      tolerance: [
        'largest component of the gradient that is left: a number above 0 and at most 1',
        '0.000001',
      ],
      iterations: ['steps for each C, at most: a whole number from 1 to 1000000', '2000'],
    },
  },
};

/** Every method and its settings, for a command's help. */
export function methodHelp(): string {
  return [
    ...['Methods that are no networks, with their settings and usual values (--set NAME=VALUE).', ''],
    ...Object.entries(plainMethods).flatMap(([name, { about, settings }]) => [
      `  ${name}: ${about}`,
      ...Object.entries(settings).flatMap(([setting, [text, usual]]) => row(`${setting}=${usual}`, text)),
    ]),
    ...['', '  They take pixels. What stands before a "+" gives them other vectors:'],
    ...sources.flatMap(([form, about]) => row(form, about)),
  ].join('\n');
}

const sources = [
  ['features+METHOD', 'hand-made features: shape, intensity, texture'],
  ['embedding:RUN+METHOD', 'what the last layer of a trained network reads'],
] as const;

const indent = 4;
const column = 28;
const width = 100;

/** A name and what it is, in lines of bounded width. */
function row(name: string, text: string): string[] {
  const lines: string[] = [`${' '.repeat(indent)}${name}`.padEnd(column - 1)];
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + 1 + word.length > width) lines.push(' '.repeat(column - 1));
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines;
}
