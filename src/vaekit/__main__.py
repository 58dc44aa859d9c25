"""`vaekit` and `python -m vaekit`. Signals are handled before anything heavy is imported."""

import os
import sys

from vaekit.utils.interrupt import EXIT_CODE, exit_on_signals, stop_on_signals


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    try:
        stop_on_signals()
        if "WORLD_SIZE" in os.environ:  # C++ warnings of torch, one for each process
            os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        from vaekit.cli import main as run

        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_CODE)
    finally:
        exit_on_signals()


if __name__ == "__main__":
    main()
