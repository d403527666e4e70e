"""Processes that are measured, and what else bench/compare runs."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build/release"
PROGRAM = BUILD / "cli/prefiqs"
NODE_FOLDER = ROOT / "build/rivals"
RIVALS = ROOT / "bench/rivals"

PACKAGES = {"onnxruntime": ["nodejs", "npm"], "pytorch": ["python3-torch", "python3-onnx"], "opencv": ["python3-opencv"]}
# Debian's PyTorch multiplies matrices with whatever BLAS there is; the one that comes first is a reference without
# speed. An own copy changes nothing on the machine.
BLAS = "libopenblas0-pthread"
BLAS_FOLDER = NODE_FOLDER / "openblas"
ENVIRONMENT = dict(os.environ, NODE_PATH=str(NODE_FOLDER / "node_modules"), PYTHONDONTWRITEBYTECODE="1")


class Failure(Exception):
    """A process that did not do what it was started for; says which, and its last words."""


def run(*command, **options):
    words = [str(c) for c in command]
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)}: status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def install(packages):
    missing = []
    for package in packages:
        state = subprocess.run(["dpkg-query", "-W", "-f=${Status}", package], text=True, capture_output=True, check=False)
        if "install ok installed" not in state.stdout:
            missing.append(package)
    if missing:
        say(f"installing {' '.join(missing)}")
        root = [] if os.geteuid() == 0 else ["sudo"]
        run(*root, "apt-get", "update", "-qq")
        run(*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends",
            *missing)


def install_onnxruntime():
    """npm's onnxruntime-node, into the build folder."""
    if not (NODE_FOLDER / "node_modules/onnxruntime-node").exists():
        say("fetching onnxruntime-node from the npm registry")
        NODE_FOLDER.mkdir(parents=True, exist_ok=True)
        (NODE_FOLDER / "package.json").write_text("{}")
        run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "onnxruntime-node", cwd=NODE_FOLDER)


def prepare(rivals):
    """What is to be measured, built and installed."""
    run(ROOT / "scripts/setup", "test")
    for rival in rivals:
        # A node of the user's own is as good as Debian's.
        if rival == "onnxruntime" and subprocess.run(["sh", "-c", "command -v node npm"], capture_output=True,
                                                     check=False).returncode == 0:
            continue
        install(PACKAGES[rival])
    if "pytorch" in rivals and not BLAS_FOLDER.exists():
        say(f"fetching {BLAS}")
        BLAS_FOLDER.parent.mkdir(parents=True, exist_ok=True)  # dpkg makes the last folder of a path only
        with tempfile.TemporaryDirectory() as folder:
            run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", BLAS, cwd=folder)
            run("dpkg", "-x", next(pathlib.Path(folder).glob("*.deb")), BLAS_FOLDER)
    say("building")
    run("cmake", "--preset", "release", cwd=ROOT)
    run("cmake", "--build", BUILD, "--target", "throughput", "prefiqs_cli")
    if "onnxruntime" in rivals:
        install_onnxruntime()


def onnxruntime_version():
    return json.loads((NODE_FOLDER / "node_modules/onnxruntime-node/package.json").read_text())["version"]


def blas_path():
    own = [str(p.parent) for p in BLAS_FOLDER.glob("usr/lib/*/openblas-pthread/libblas.so.3")]
    return ":".join(own + [p for p in (os.environ.get("LD_LIBRARY_PATH"),) if p])


class Child:
    """A process that measures when it is told to (serve.py)."""

    def __init__(self, label, command, threads):
        self.label, self.milliseconds, self.cpu_milliseconds = label, [], []
        self.last_words = tempfile.TemporaryFile("w+")
        # OpenMP, of PyTorch and OpenCV, takes its number of threads from the environment before anyone can say another.
        environment = dict(ENVIRONMENT, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
        if blas := blas_path():
            environment["LD_LIBRARY_PATH"] = blas
        self.process = subprocess.Popen([str(c) for c in command], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.last_words, env=environment)
        self.peak_mib = None
        try:
            self.about = self._answer()
        except Failure:
            self.process.stdin.close()
            self.process.wait()
            raise

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.last_words.seek(0)
            raise Failure(f"{self.label}: ended early: {self.last_words.read()[-2000:].strip()}")
        return json.loads(line)

    def measure(self, seconds, batch):
        before = self._cpu_seconds()
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        answer = self._answer()
        self.milliseconds.append(answer["ms_per_image"])
        self.cpu_milliseconds.append(1000 * (self._cpu_seconds() - before) / (answer["runs"] * batch))

    def _cpu_seconds(self):
        """Of all its threads: what a busy machine distorts less. Ticks of 10 ms."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.process.stdout.close()
        self.peak_mib = usage.ru_maxrss / 1024


def measure_in_turn(children, rounds, seconds, batch):
    """Every second round the other way round, so that nobody always runs after the same neighbour."""
    for i in range(rounds):
        for child in children if i % 2 == 0 else reversed(children):
            child.measure(seconds, batch)
            time.sleep(0.02)  # its idle threads stop spinning


def ours(model, batch, threads, pixels, precision="fp32", method="drift", start=0.0):
    return [BUILD / "bench/throughput", model, "--batch", batch, "--threads", threads, "--pixels", pixels,
            "--precision", precision, "--method", method, "--from", start]


def rival(name, dense, pruned, pixels, width, height, batch, threads, form):
    program = {"onnxruntime": ["node", RIVALS / "onnxruntime.cjs"], "pytorch": ["/usr/bin/python3", RIVALS / "pytorch.py"],
               "opencv": ["/usr/bin/python3", RIVALS / "opencv.py"]}[name]
    return [*program, dense, pruned, pixels, width, height, batch, threads, form]


def to_the_end(command, statuses=(0,)):
    """Milliseconds to the first line on standard output, to the end, and of processors; the peak of memory in MiB."""
    with tempfile.TemporaryFile("w+") as last_words:
        begun = time.perf_counter()
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=last_words, env=ENVIRONMENT)
        process.stdout.readline()
        first = time.perf_counter() - begun
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        whole = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if process.returncode not in statuses:
            last_words.seek(0)
            raise Failure(f"{command[0]}: status {process.returncode}: {last_words.read()[-2000:].strip()}")
    return 1000 * first, 1000 * whole, 1000 * (usage.ru_utime + usage.ru_stime), usage.ru_maxrss / 1024
