import { featureFamilies } from './definition.ts';
import { featureDefinitions } from './definitions.ts';

/** Every feature as tables in Markdown, a family each: what docs/features.md holds (a test keeps the two in step). */
export function formatFeatureTables(): string {
  return featureFamilies
    .map(family => {
      const rows = featureDefinitions
        .filter(feature => feature.family === family)
        .map(
          ({ name, unit, meaning, changesWith }) =>
            `| \`${name}\` | ${unit} | ${meaning} | ${changesWith.join(', ')} |`,
        );
      const title = `### ${family[0]!.toUpperCase()}${family.slice(1)}`;
      const head = '| name | unit | meaning | changes with |\n| --- | --- | --- | --- |';
      return `${title}\n\n${head}\n${rows.join('\n')}`;
    })
    .join('\n\n');
}
