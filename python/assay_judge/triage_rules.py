"""Names that an honest candidate rarely needs, and why one looks closer where they turn up."""

from __future__ import annotations

import re

PROCESSES = "other processes"
THREADS = "threads that can work beside the clock"
NETWORK = "the network"
NATIVE = "native calls from Python"
OBJECTS = "other code's objects"
FRAMES = "other code's frames"
END = "work at or after the end"
RUN_TIME = "code made at run time"
DESCRIPTORS = "descriptors that it did not open"
CLOCK = "the machine's clock is set"
LAZY = "values that compute when they are looked at"
TAMPER = "replaces parts of other modules"

FORBIDDEN: dict[str, str] = {
    **dict.fromkeys(
        [
            "subprocess",
            "multiprocessing",
            "torch.multiprocessing",
            "pty",
            "concurrent.futures.ProcessPoolExecutor",
            "concurrent.futures.process",
            "asyncio.create_subprocess_exec",
            "asyncio.create_subprocess_shell",
            *(f"os.{name}" for name in ("fork", "forkpty", "system", "popen", "posix_spawn", "posix_spawnp")),
            *(f"os.{name}" for name in ("kill", "killpg", "setsid", "nice", "sched_setaffinity", "unshare", "setns")),
            *(f"os.exec{suffix}" for suffix in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
            *(f"os.spawn{suffix}" for suffix in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
            "posix",
            "_posixsubprocess",
            "nt",
            "psutil",
        ],
        PROCESSES,
    ),
    **dict.fromkeys(
        ["threading", "_thread", "concurrent.futures.ThreadPoolExecutor", "concurrent.futures.thread"], THREADS
    ),
    **dict.fromkeys(
        ["socket", "_socket", "socketserver", "urllib", "urllib3", "requests", "http", "httpx", "aiohttp", "ftplib"]
        + ["smtplib", "ssl", "telnetlib", "xmlrpc", "asyncio.open_connection", "torch.hub", "torch.distributed"]
        + ["huggingface_hub", "datasets", "transformers", "boto3", "paramiko", "pip", "ensurepip"],
        NETWORK,
    ),
    **dict.fromkeys(["ctypes", "_ctypes", "cffi", "cython", "mmap", "torch.ops.load_library"], NATIVE),
    **dict.fromkeys(["torch.utils.cpp_extension", "numba.cfunc", "numpy.ctypeslib", "distutils", "setuptools"], NATIVE),
    **dict.fromkeys(["gc.get_objects", "gc.get_referrers", "gc.get_referents", "gc.callbacks"], OBJECTS),
    **dict.fromkeys(["weakref.finalize", "sys.addaudithook", "sys.meta_path", "sys.path_hooks"], OBJECTS),
    **dict.fromkeys(
        ["sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile", "sys.monitoring"], FRAMES
    ),
    **dict.fromkeys(["inspect.stack", "inspect.currentframe", "inspect.trace", "inspect.getouterframes"], FRAMES),
    **dict.fromkeys(
        ["traceback.walk_stack", "traceback.extract_stack", "traceback.walk_tb", "inspect.getframeinfo"], FRAMES
    ),
    **dict.fromkeys(
        ["atexit", "signal", "sys.exitfunc", "os._exit", "os.abort", "os.register_at_fork", "faulthandler"], END
    ),
    **dict.fromkeys(
        ["builtins.exec", "builtins.eval", "builtins.compile", "builtins.__import__", "importlib"], RUN_TIME
    ),
    **dict.fromkeys(["types.CodeType", "types.FunctionType", "runpy", "code", "codeop", "marshal", "imp"], RUN_TIME),
    **dict.fromkeys(
        ["pickle.loads", "pickle.load", "dill", "cloudpickle", "zipimport", "pkgutil", "builtins.breakpoint"], RUN_TIME
    ),
    **dict.fromkeys(
        ["os.dup", "os.dup2", "os.fdopen", "os.pipe", "os.write", "os.read", "os.sendfile", "fcntl"], DESCRIPTORS
    ),
    **dict.fromkeys(["time.clock_settime", "time.clock_settime_ns"], CLOCK),
    **dict.fromkeys(["torch.overrides", "torch.utils._python_dispatch"], LAZY),
    **dict.fromkeys(["unittest.mock", "mock", "forbiddenfruit", "wrapt"], TAMPER),
}

ATTRIBUTES: dict[str, str] = {
    **dict.fromkeys(
        ["f_back", "f_globals", "f_locals", "f_builtins", "tb_frame", "tb_next", "gi_frame", "cr_frame"], FRAMES
    ),
    **dict.fromkeys(["__closure__", "cell_contents", "__globals__", "__code__", "__subclasses__", "__self__"], OBJECTS),
    **dict.fromkeys(["__builtins__", "__loader__"], RUN_TIME),
}

METHODS: dict[str, str] = {
    **dict.fromkeys(["__torch_function__", "__torch_dispatch__", "__array_function__", "__array_ufunc__"], LAZY),
    "__del__": END,
}

SNIFFING: dict[str, str] = {
    **dict.fromkeys(["inspect.stack", "inspect.currentframe", "sys._getframe", "sys._current_frames"], "who called it"),
    **dict.fromkeys(["traceback.extract_stack", "traceback.walk_stack", "traceback.format_stack"], "who called it"),
    **dict.fromkeys(["sys.argv", "sys.orig_argv", "sys.flags"], "how it was started"),
    **dict.fromkeys(["sys.modules", "__main__"], "which program it runs in"),
    **dict.fromkeys(["os.getppid", "os.getpid", "os.getpgid", "os.getlogin", "os.getuid"], "in which process it runs"),
    **dict.fromkeys(["socket.gethostname", "platform.node", "os.uname", "os.listdir", "os.scandir"], "where it runs"),
    **dict.fromkeys(["os.walk", "glob"], "where it runs"),
    "assay_judge": "the judge's own modules",
}

STAGE_WORDS = frozenset(
    {"baseline", "screen", "replicate", "confirm", "final", "judge", "evaluate", "evaluation", "heldout", "hidden"}
    | {"benchmark", "grading", "grader", "scoring", "candidate", "reference"}
)

SEEDERS = frozenset(
    {
        "torch.manual_seed",
        "torch.random.manual_seed",
        "torch.cuda.manual_seed",
        "torch.cuda.manual_seed_all",
        "torch.cuda.random.manual_seed",
        "random.seed",
        "random.Random",
        "numpy.random.seed",
        "numpy.random.default_rng",
        "numpy.random.RandomState",
        "numpy.random.PCG64",
        "numpy.random.Philox",
        "numpy.random.MT19937",
        "numpy.random.SFC64",
        "numpy.random.SeedSequence",
        "jax.random.PRNGKey",
        "jax.random.key",
        "lightning.seed_everything",
        "pytorch_lightning.seed_everything",
        "tensorflow.random.set_seed",
    }
)
SEED_METHODS = frozenset({"manual_seed", "seed_everything", "set_seed", "reseed"})
SEED_KEYWORDS = frozenset({"seed", "random_state", "random_seed", "rng_seed", "manual_seed"})

ENVIRONMENT = re.compile(r"ASSAY_\w*")
PATH = re.compile(
    r"^/(?:proc|sys|dev|etc|root|home|usr|var|run|tmp|opt|mnt|srv|boot|bin|sbin|lib|lib64"
    r"|result|task|assay|workspace|output|data)(?:/|$)"
)
HARMLESS_PATHS = ("/dev/null", "/tmp")
"""Beside those that the task documents."""

OPEN_SETTINGS = (
    "torch.backends.",
    "torch._dynamo.config.",
    "torch._inductor.config.",
    "torch._functorch.config.",
    "numpy.printoptions",
)
"""Attributes of modules that are there to be written."""


def match(dotted: str, table: dict[str, str]) -> tuple[str, str] | None:
    """The entry of a table that a dotted name is, or lies in: (name, why)."""
    why = table.get(dotted)
    if why is not None:
        return dotted, why
    end = dotted.rfind(".")
    while end > 0:
        why = table.get(dotted[:end])
        if why is not None:
            return dotted[:end], why
        end = dotted.rfind(".", 0, end)
    return None
