"""Imports TensorFlow without its start-up notices, for scripts that print tables."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile

# "I0000 00:00:17 port.cc:153] oneDNN custom operations are on. ..." comes before
# TensorFlow's log level counts, so that no environment variable silences it. CUDA's
# error 303 says that there is no driver.
_NOTICE = re.compile(
    r"I\d{4} |WARNING: All log messages before absl::Init"
    r"|E\d{4} .*failed call to cuInit.*\(303\)"
)


def import_tensorflow() -> None:
    """Imports TensorFlow; warnings and errors still reach standard error."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _without_notices():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs now, with its notices


@contextlib.contextmanager
def _without_notices():
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            caught.seek(0)
            for line in caught.read().decode(errors="replace").splitlines():
                if not _NOTICE.match(line):
                    print(line, file=sys.stderr)
