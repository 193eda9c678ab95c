import type { Dataset } from '../dataset/dataset.ts';
import { csvText } from '../evaluate/csv.ts';
