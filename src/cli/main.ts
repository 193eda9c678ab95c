#!/usr/bin/env node
import { CommanderError } from 'commander';
import { reportFailure, reportMisuse } from './failure.ts';
import { createProgram } from './program.ts';

// A reader that stops early (`brightcell classify ... | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const json = process.argv.includes('--json');
const program = createProgram();
try {
  await program.parseAsync(process.argv);
} catch (error) {
  const command = program.commands.find(one => process.argv.includes(one.name()))?.name();
  process.exitCode =
    error instanceof CommanderError ? reportMisuse(error, command, json) : reportFailure(error, json);
}
