"""The analysis of one file, run as a process of its own: `python child.py '{"path": …}'`.

It reads untrusted media with native libraries, so it holds no secret, opens no database and is bounded in memory;
whatever happens to it happens to nobody else. It answers on its standard output, one JSON object a line:
`{"progress": [stage, share]}`, and last `{"transcript": …}`, `{"refused": [code, text]}` or `{"broken": trace}`.

It is started by path and imports nothing of ours but `madang.speech`, which keeps its start at 0.2 s.
"""

import ctypes
import json
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

NICENESS = 10
ADDRESS_SPACE = 4 << 30
_PR_SET_PDEATHSIG = 1


def main() -> None:
    out = _take_standard_output()
    _live_and_die_with_parent()
    _stay_small()
    message = _analysed(json.loads(sys.argv[1]), out)
    _send(out, message)
    os._exit(0)  # the watcher thread still reads, and there is nothing else to wait for


def _take_standard_output() -> BinaryIO:
    """The pipe to the parent for us alone; what a library prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _live_and_die_with_parent() -> None:
    """The parent decides when this ends, so a terminal's Ctrl-C is left to it; when it dies, this dies at once.

    Standard input is a pipe that only the parent holds: its end means that the parent is gone. On Linux the kernel
    kills this process as well, also when a library sits in a loop without ever letting Python run.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_watch_parent, daemon=True).start()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _stay_small() -> None:
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    with suppress(ImportError, OSError, ValueError):  # Windows has no `resource`, macOS refuses RLIMIT_AS
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _analysed(asked: dict[str, Any], out: BinaryIO) -> dict[str, object]:
    from madang.speech.analyse import SpeechSettings, analyse
    from madang.speech.errors import SpeechError

    path = Path(asked.pop("path"))
    try:
        done = analyse(path, SpeechSettings(**asked), lambda stage, share: _send(out, {"progress": [stage, share]}))
    except SpeechError as error:
        return {"refused": [error.code, str(error)]}
    except MemoryError:
        return {"refused": ["out-of-memory", "The file needs more memory than one analysis may have. Split it."]}
    except OSError as error:
        return {"refused": ["unreadable-file", f"The file can't be read: {error.strerror or 'no reason given'}."]}
    except Exception:
        return {"broken": traceback.format_exc()}
    return {"transcript": asdict(done)}


def _send(out: BinaryIO, message: dict[str, object]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
