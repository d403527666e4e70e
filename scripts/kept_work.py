"""Work in a folder, of which what is finished is not done again."""
import subprocess
import sys


class KeptWork:
    def __init__(self, shared, work, program, threads):
        self.shared, self.work, self.program, self.threads = shared, work, program, str(threads)
        work.mkdir(parents=True, exist_ok=True)

    def run(self, *words, statuses=(0,)):
        words = [str(w) for w in words]
        print('study:', ' '.join(words), file=sys.stderr)
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in statuses:
            sys.exit(f'study: ended with status {done.returncode}')
        return done.stdout

    def once(self, name, make):
        """Runs make() unless it was finished by an earlier run."""
        mark = self.work / f'{name}.done'
        if not mark.exists():
            make()
            mark.touch()
