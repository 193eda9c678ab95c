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
};

/** Every method and its settings, for a command's help. */
export function methodHelp(): string {
  const methods = Object.entries(plainMethods).flatMap(([name, { about, settings }]) => [
    `  ${name}: ${about}`,
    ...Object.entries(settings).map(
      ([setting, [about, usual]]) => `    --set ${`${setting}=${usual}`.padEnd(18)} ${about}`,
    ),
  ]);
  return [
    'Methods that are no networks, with their settings and usual values (auto: chosen on the validation part):',
    ...methods,
    '  They take pixels; what stands before a "+" gives them something else:',
    ...sources.map(([form, about]) => `    ${form.padEnd(22)} ${about}`),
  ].join('\n');
}

const sources = [['pixels+METHOD', 'the stored image itself, as without it']];
