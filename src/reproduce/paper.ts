/** Figures of Meng, Lam, Tsia and So (2019), doi 10.1109/JBHI.2018.2878878, as printed. */

export const paperClasses = ['THP1', 'MCF7', 'MB231', 'PBMC'] as const;
export const paperMethods = ['kNN', 'SVM', 'Gao et al.', 'CNN'] as const;
export type PaperMethod = (typeof paperMethods)[number];
export type PaperPart = 'test' | 'validation';

/** Images of each class in parts 1 and 2 of the published data set, before augmented copies were added. */
export const paperImages: Record<string, number> = {
  THP1: 257_920,
  MCF7: 382_910,
  MB231: 343_394,
  PBMC: 21_223,
};

/** Shares of each class that the paper's screening dropped; of PBMC "a few samples". */
export const paperRejected: Record<string, number> = { MB231: 0.257, MCF7: 0.233, THP1: 0.375 };

/** Training, validation and test; 653,250, 150,750 and 201,000 images in the text. */
export const paperSplit: [number, number, number] = [0.65, 0.15, 0.2];

/** Training images that its kNN was compared with. */
export const paperReferences = 6500;

/** Table II: numbers of images in all, and the accuracy of each method on either part. */
export const tableTwo: { volumes: number[]; rows: Record<PaperMethod, Record<PaperPart, number[]>> } = {
  volumes: [1100, 6400, 12_000, 64_000, 129_000, 651_000, 1_305_000],
  rows: {
    kNN: {
      test: [0.71, 0.774, 0.807, 0.805, 0.808, 0.809, 0.808],
      validation: [0.713, 0.785, 0.818, 0.808, 0.811, 0.808, 0.808],
    },
    SVM: {
      test: [0.245, 0.498, 0.999, 0.999, 0.983, 0.981, 0.977],
      validation: [0.326, 0.664, 0.998, 0.999, 0.984, 0.981, 0.978],
    },
    'Gao et al.': {
      test: [0.875, 0.881, 0.923, 0.943, 0.973, 0.981, 0.995],
      validation: [0.875, 0.881, 0.922, 0.949, 0.974, 0.982, 0.995],
    },
    CNN: {
      test: [0.885, 0.922, 0.936, 0.949, 0.979, 0.992, 0.995],
      validation: [0.885, 0.922, 0.93, 0.951, 0.978, 0.993, 0.995],
    },
  },
};

export type PaperMeasurement = 'precision' | 'recall' | 'f1';
type ClassTable = Record<PaperMeasurement, Record<PaperMethod, number[]>>;

/** Tables III (validation) and IV (test): a number for each class, in the order of `paperClasses`. */
export const classTables: Record<PaperPart, ClassTable> = {
  validation: {
    precision: {
      kNN: [0.695, 0.931, 0.812, 0.572],
      SVM: [0.999, 0.999, 0.999, 0.485],
      'Gao et al.': [0.985, 0.996, 0.997, 0.991],
      CNN: [0.988, 0.996, 0.999, 0.995],
    },
    recall: {
      kNN: [0.827, 0.782, 0.829, 0.697],
      SVM: [0.982, 0.975, 0.976, 0.994],
      'Gao et al.': [0.986, 0.995, 0.997, 0.991],
      CNN: [0.991, 0.998, 0.998, 0.99],
    },
    f1: {
      kNN: [0.755, 0.85, 0.82, 0.628],
      SVM: [0.99, 0.987, 0.988, 0.652],
      'Gao et al.': [0.986, 0.995, 0.997, 0.991],
      CNN: [0.989, 0.997, 0.999, 0.992],
    },
  },
  test: {
    precision: {
      kNN: [0.7, 0.929, 0.811, 0.587],
      SVM: [0.999, 0.999, 0.999, 0.479],
      'Gao et al.': [0.987, 0.995, 0.998, 0.994],
      CNN: [0.989, 0.996, 0.999, 0.995],
    },
    recall: {
      kNN: [0.826, 0.782, 0.835, 0.695],
      SVM: [0.982, 0.974, 0.976, 0.992],
      'Gao et al.': [0.99, 0.997, 0.998, 0.989],
      CNN: [0.992, 0.998, 0.999, 0.991],
    },
    f1: {
      kNN: [0.758, 0.85, 0.823, 0.637],
      SVM: [0.991, 0.986, 0.988, 0.646],
      'Gao et al.': [0.989, 0.996, 0.998, 0.992],
      CNN: [0.991, 0.997, 0.999, 0.993],
    },
  },
};
