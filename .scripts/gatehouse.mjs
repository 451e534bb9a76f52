// `npm run gatehouse -- COMMAND`: the command, built when its sources have changed. The scripts of package.json name one.
import { main, path, run, start } from './project.mjs';

await main(import.meta, async (args) => {
  await run('cargo', ['build', '--release', '--quiet', '--bin', 'gatehouse']);
  const command = start(path('target/release/gatehouse'), args);
  // The exit code is part of what it says.
  await new Promise((resolve, reject) => {
    command.on('error', reject);
    command.on('exit', (code) => resolve((process.exitCode = code ?? 1)));
  });
});
